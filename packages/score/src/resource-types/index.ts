import { endpointType } from "./endpoint.ts";
import { environmentType } from "./environment.ts";
import type { ResourceType } from "./resource-type.ts";
import { servicePortType, serviceType } from "./service.ts";
import { volumeType } from "./volume.ts";

const types: readonly ResourceType[] = [endpointType, environmentType, serviceType, servicePortType, volumeType];

export function resourceType(type: string): ResourceType | undefined {
  return types.find((each) => each.type === type);
}
