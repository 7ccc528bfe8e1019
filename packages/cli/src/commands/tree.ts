import { systemClock } from "@threeport/platform";
import { connect } from "../connect.ts";
import { Interrupted, note, say, type CliContext } from "../context.ts";
import { defaultProject, workloadInstance, type WorkloadInstance } from "../kinds.ts";
import { findInstance } from "../objects/find-instance.ts";
import { createLiveView, spinnerAt } from "../progress/live-view.ts";
import { fetchTree } from "../tree/fetch-tree.ts";
import { treeLines } from "../tree/render-tree.ts";
import { treeChanges, type Told } from "../tree/tree-changes.ts";
import type { TreeNode } from "../tree/tree-node.ts";

/** Trees shown at once. */
const treesMax = 50;
/** Time between two looks with --watch. */
const lookEveryMs = 1_000;
/** Rows of a tree that is printed once: a terminal scrolls, a pipe has no height. */
const rowsMax = 10_000;
/** Columns where output is no terminal: nothing is cut. */
const columnsMax = 10_000;

interface Flags {
  readonly namespace?: string;
  readonly watch: boolean;
}

export async function tree(this: CliContext, flags: Flags, name?: string): Promise<void> {
  await using client = await connect(this);
  const namespace = flags.namespace ?? defaultProject;
  const names =
    name === undefined
      ? (await client.list<WorkloadInstance>({ ...workloadInstance, namespace }, { signal: this.signal })).items.map(({ metadata }) => metadata.name)
      : [(await findInstance(client, { namespace, name }, this.signal)).metadata.name];
  if (names.length === 0) return note(this, `nothing is deployed in project ${namespace}; tptctl deploy FILE --env ENV does it`);
  if (names.length > treesMax) note(this, `only the first ${treesMax} of ${names.length} deployments are shown; name one to see it`);
  const read = async (): Promise<TreeNode[]> =>
    (await Promise.all(names.slice(0, treesMax).map((each) => fetchTree(client, { namespace, name: each }, this.signal)))).flatMap((root) => root ?? []);
  if (flags.watch) return follow(this, read);
  const columns = this.terminal.interactive ? this.terminal.size().columns : columnsMax;
  for (const root of await read()) for (const line of treeLines(root, { terminal: this.terminal, columns, rows: rowsMax, progressMark: "…" })) say(this, line);
}

async function follow(context: CliContext, read: () => Promise<TreeNode[]>): Promise<void> {
  const { signal, terminal } = context;
  using view = createLiveView(context, systemClock);
  let told: Told = new Map();
  let roots: TreeNode[] = [];
  try {
    for (;;) {
      roots = await read();
      if (terminal.interactive)
        view.show((frame) =>
          roots.flatMap((root) =>
            treeLines(root, { terminal, columns: terminal.size().columns, rows: terminal.size().rows - 1, progressMark: spinnerAt(frame) }),
          ),
        );
      else {
        const changes = treeChanges(told, { kind: "", name: "", namespace: undefined, state: "", reason: "", message: "", children: roots });
        told = changes.told;
        changes.lines.forEach((line) => view.keep(line));
      }
      await systemClock.sleep(lookEveryMs, signal);
    }
  } catch (error) {
    if (!(signal.reason instanceof Interrupted)) throw error;
    view.end(roots.flatMap((root) => treeLines(root, { terminal, columns: terminal.size().columns, rows: rowsMax, progressMark: "…" })));
  }
}
