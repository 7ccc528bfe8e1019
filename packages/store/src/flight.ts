import type { Connection, Submittable } from "pg";

/** A prepared statement and its values: texts, or bytes in the protocol's binary form. */
export interface BoundStatement {
  /** Prepared once for each connection under this name. */
  readonly name: string;
  readonly text: string;
  readonly values: readonly (string | Buffer)[];
}

/** What one statement answered, by row and column. */
export type TextRows = readonly (readonly (string | null)[])[];

/** What the driver knows of a connection and its types do not say. */
interface Wire extends Omit<Connection, "bind" | "execute" | "parse" | "close"> {
  /** Texts of prepared statements by name. */
  readonly parsedStatements: Record<string, string>;
  parse(statement: { readonly name: string; readonly text: string }): void;
  bind(bound: { readonly statement: string; readonly values: readonly (string | Buffer)[] }): void;
  execute(): void;
  close(what: { readonly type: "S"; readonly name: string }): void;
}

/**
 * Statements that are sent together, before the first of them is answered, and end with one Sync: PostgreSQL runs them one after another as one
 * transaction, and the answer to the Sync comes after its commit. When one fails, nothing of them remains and the rest is not run.
 * Made for the driver's `query`, which calls the methods below.
 */
export class Flight implements Submittable {
  readonly #statements: readonly BoundStatement[];
  readonly #answers: (string | null)[][][] = [[]];
  readonly #unknown = new Set<BoundStatement>();
  /** Set by the maker; the driver puts its time limit around it. */
  callback: (error: Error | null, answers?: readonly TextRows[]) => void = () => {};

  constructor(statements: readonly BoundStatement[]) {
    this.#statements = statements;
  }

  submit(connection: Connection): void {
    const wire = connection as unknown as Wire;
    wire.stream.cork();
    for (const statement of this.#statements) {
      if (wire.parsedStatements[statement.name] === undefined && !this.#unknown.has(statement)) {
        // After a flight that failed it may be there or not; closing what is not there is no error.
        wire.close({ type: "S", name: statement.name });
        wire.parse(statement);
        this.#unknown.add(statement);
      }
      wire.bind({ statement: statement.name, values: statement.values });
      wire.execute();
    }
    wire.sync();
    wire.stream.uncork();
  }

  handleDataRow(message: { readonly fields: (string | null)[] }): void {
    this.#answers.at(-1)?.push(message.fields);
  }

  handleCommandComplete(): void {
    this.#answers.push([]);
  }

  handleReadyForQuery(connection: Connection): void {
    const { parsedStatements } = connection as unknown as Wire;
    for (const { name, text } of this.#unknown) parsedStatements[name] = text;
    this.callback(null, this.#answers.slice(0, this.#statements.length));
  }

  handleError(error: Error): void {
    this.callback(error);
  }

  handleRowDescription(): void {}
}
