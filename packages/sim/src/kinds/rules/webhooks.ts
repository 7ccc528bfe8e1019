import { defaults, fields, list, type Rules } from "./fields.ts";

const usual = { failurePolicy: "Fail", matchPolicy: "Equivalent", timeoutSeconds: 10 };

/** What a configuration of admission webhooks leaves out. */
function webhooks(more: Readonly<Record<string, string>>): Rules {
  return {
    versionRequired: true,
    normalize(configuration) {
      for (const hook of list(configuration["webhooks"])) {
        defaults(hook, { ...usual, ...more, namespaceSelector: {}, objectSelector: {} });
        const service = fields(fields(hook, "clientConfig"), "service");
        if (service["name"] !== undefined) defaults(service, { port: 443 });
        for (const rule of list(hook["rules"])) defaults(rule, { scope: "*" });
      }
    },
  };
}

export const validatingWebhookRules: Rules = webhooks({});
export const mutatingWebhookRules: Rules = webhooks({ reinvocationPolicy: "Never" });
