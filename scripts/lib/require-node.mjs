/**
 * Loaded before every script of package.json (`node --import`). The scripts are TypeScript that Node 24 runs as it is; an older Node
 * would fail with a message about file endings. `npm run` finds Node 24 in node_modules/.bin, where the package `node` puts it.
 */
const majorMin = 24;
const major = Number(process.versions.node.split(".")[0]);

if (major < majorMin) {
  process.stderr.write(
    [
      `This needs Node ${majorMin}, and it runs with ${process.version} (${process.execPath}).`,
      `Run it through npm (for example: npm test), after npm ci: that installs Node ${majorMin} into node_modules and npm uses it.`,
      `When it was run through npm: the package "node" fetches its binary in an install script. Run npm ci again without --ignore-scripts.`,
      "",
    ].join("\n"),
  );
  process.exit(1);
}
