export const group = "threeport.io";
export const version = "v1alpha1";
