import type { Message } from "../message.ts";
import { metadata, time } from "./meta.ts";

/** What a map of users' extra values holds: JSON shows the list without the message around it. */
export const extraValue: Message = { name: "ExtraValue", form: "items", fields: { 1: { name: "items", type: "string", repeated: "list" } } };

const userInfo: Message = {
  name: "UserInfo",
  fields: {
    1: { name: "username", type: "string" },
    2: { name: "uid", type: "string" },
    3: { name: "groups", type: "string", repeated: "list" },
    4: { name: "extra", type: extraValue, repeated: "map" },
  },
};

export const tokenReview: Message = {
  name: "TokenReview",
  fields: {
    1: metadata,
    2: {
      name: "spec",
      presence: "always",
      type: { name: "TokenReviewSpec", fields: { 1: { name: "token", type: "string" }, 2: { name: "audiences", type: "string", repeated: "list" } } },
    },
    3: {
      name: "status",
      presence: "always",
      type: {
        name: "TokenReviewStatus",
        fields: {
          1: { name: "authenticated", type: "bool" },
          2: { name: "user", type: userInfo, presence: "always" },
          3: { name: "error", type: "string" },
          4: { name: "audiences", type: "string", repeated: "list" },
        },
      },
    },
  },
};

const boundObjectReference: Message = {
  name: "BoundObjectReference",
  fields: {
    1: { name: "kind", type: "string" },
    2: { name: "apiVersion", type: "string" },
    3: { name: "name", type: "string" },
    4: { name: "uid", type: "string" },
  },
};

export const tokenRequest: Message = {
  name: "TokenRequest",
  fields: {
    1: metadata,
    2: {
      name: "spec",
      presence: "always",
      type: {
        name: "TokenRequestSpec",
        fields: {
          1: { name: "audiences", type: "string", repeated: "list", presence: "nullable" },
          3: { name: "boundObjectRef", type: boundObjectReference, presence: "nullable" },
          4: { name: "expirationSeconds", type: "int64", presence: "nullable" },
        },
      },
    },
    3: {
      name: "status",
      presence: "always",
      type: {
        name: "TokenRequestStatus",
        fields: { 1: { name: "token", type: "string", presence: "always" }, 2: { name: "expirationTimestamp", type: time, presence: "always" } },
      },
    },
  },
};

export const selfSubjectReview: Message = {
  name: "SelfSubjectReview",
  fields: {
    1: metadata,
    2: {
      name: "status",
      presence: "always",
      type: { name: "SelfSubjectReviewStatus", fields: { 1: { name: "userInfo", type: userInfo, presence: "always" } } },
    },
  },
};
