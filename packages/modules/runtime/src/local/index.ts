export { type BinariesPlace, binariesPlace } from "./binaries-place.ts";
export {
  type BinariesRequest,
  ensureKubernetesBinaries,
  hasKubernetesBinaries,
  type KubernetesBinaries,
  kubernetesCacheFolder,
  whyNoBinaries,
} from "./binaries.ts";
export { ensureSystemPackages, type SystemPackagesRequest, type SystemPrograms } from "./system-packages.ts";
export { type LocalKubernetes, startLocalKubernetes, type StartRequest } from "./start.ts";
export { stopLocalKubernetes, type StopReport, type StopRequest } from "./stop.ts";
export { type ImageArchive, type ImageFile, type ImageRequest, makeImage } from "./image.ts";
export { busyboxImage, type BusyboxImageRequest, busyboxImageName, pauseImage, pauseImageName } from "./base-images.ts";
export { linkedFiles } from "./linked-files.ts";
export { requireRoot } from "./require-root.ts";
export { forgetImages, keptImages, loadLocalImage, type LoadImageRequest } from "./load-image.ts";
export { componentsEnded, endHanging, type NodeTrouble, nodeTrouble } from "./mend.ts";
export { whyNoNamespaces } from "./node-processes.ts";
