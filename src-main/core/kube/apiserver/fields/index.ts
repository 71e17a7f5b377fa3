export { podResources } from './pod-resources.ts';
export {
  addInto,
  addQuantities,
  formatQuantity,
  formatResourceList,
  maxInto,
  parseQuantity,
  type Quantity,
  type ResourceList,
  resourceListOf,
  subtractQuantities,
  wholeQuantity,
} from './quantity.ts';
export { matchesLabelSelector } from './selectors.ts';
export {
  aggregate,
  at,
  draftAt,
  isMap,
  type JsonMap,
  listOf,
  mapOf,
  mapsOf,
  numberOf,
  textAt,
  textMapOf,
  textOf,
  textsOf,
} from './view.ts';
