export { createTestDatabase, type TestDatabase, type TestDatabaseOptions } from "./create-test-database.ts";
export { testCluster } from "./test-cluster.ts";
