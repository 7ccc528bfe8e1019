import type { Dispatcher } from "undici";

/** A request on its way, as both pools take it. */
export type Dispatch = Dispatcher.DispatchOptions & { readonly path: string; readonly method: Dispatcher.HttpMethod };
