export { packChart, type ChartFiles } from "./pack-chart.ts";
export { describeWithHelm, testHelm } from "./real-helm.ts";
