import { freeText, nameText } from "../parse.ts";
import { command } from "./command.ts";
import { allNamespaces, files, namespace, output, timeout, wait as waiting } from "./shared.ts";

const kind = { brief: "A kind, as in kubectl: workloadinstance, wi, runtimes, secrets, …", parse: nameText, placeholder: "kind" } as const;
const names = { brief: "Kind and names, or KIND/NAME", parse: nameText, placeholder: "kind name" } as const;
/** Objects named in one call at most. */
const namesMax = 1000;

export const get = command({
  run: async () => (await import("../commands/get.ts")).get,
  parameters: {
    flags: {
      namespace,
      allNamespaces,
      output,
      selector: { kind: "parsed", parse: freeText, brief: "Only objects with these labels", optional: true, placeholder: "labels" },
      watch: { kind: "boolean", brief: "Go on with changes until Ctrl-C", default: false, withNegated: false },
    },
    aliases: { n: "namespace", A: "allNamespaces", o: "output", l: "selector", w: "watch" },
    positional: { kind: "array", parameter: names, minimum: 1, maximum: namesMax },
  },
  brief: "Print objects",
});

export const describe = command({
  run: async () => (await import("../commands/describe.ts")).describe,
  parameters: { flags: { namespace }, aliases: { n: "namespace" }, positional: { kind: "array", parameter: names, minimum: 1, maximum: 2 } },
  brief: "Tell all about one object: fields, conditions, events",
});

export const edit = command({
  run: async () => (await import("../commands/edit.ts")).edit,
  parameters: { flags: { namespace }, aliases: { n: "namespace" }, positional: { kind: "array", parameter: names, minimum: 1, maximum: 2 } },
  brief: "Change an object in your editor",
  description: "The editor is $THREEPORT_EDITOR, $KUBE_EDITOR, $VISUAL or $EDITOR. What is refused comes back with the reason, and nothing is lost.",
});

export const apply = command({
  run: async () => (await import("../commands/apply.ts")).apply,
  parameters: {
    flags: {
      filename: files,
      namespace,
      forceConflicts: { kind: "boolean", brief: "Take over fields that others manage", default: false, withNegated: false },
    },
    aliases: { f: "filename", n: "namespace" },
  },
  brief: "Create or change objects of the control plane from files",
});

export const deleteObjects = command({
  run: async () => (await import("../commands/delete.ts")).deleteObjects,
  parameters: {
    flags: { filename: { ...files, optional: true }, namespace, wait: waiting, timeout },
    aliases: { f: "filename", n: "namespace" },
    positional: { kind: "array", parameter: names, maximum: namesMax },
  },
  brief: "Delete objects, by name or as in files",
});

export const wait = command({
  run: async () => (await import("../commands/wait.ts")).wait,
  parameters: {
    flags: {
      for: { kind: "parsed", parse: freeText, brief: "condition=TYPE[=STATUS] or delete", placeholder: "what" },
      namespace,
      timeout,
    },
    aliases: { n: "namespace" },
    positional: { kind: "array", parameter: { ...kind, brief: "KIND/NAME, or a kind and a name" }, minimum: 1, maximum: 2 },
  },
  brief: "Wait until an object is ready or gone",
});
