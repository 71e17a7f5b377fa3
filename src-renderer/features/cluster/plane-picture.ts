import type { StationView } from '#contract';

type Station = StationView['station'];

export interface PlaneBox {
  readonly station: Station;
  readonly x: number;
  readonly y: number;
}

export const box = { width: 132, height: 56 };
export const pictureSize = { width: 860, height: 300 };

/** The API server in the middle: everyone talks to it, and it alone to etcd. */
export const boxes: readonly PlaneBox[] = [
  { station: 'client', x: 20, y: 122 },
  { station: 'api-server', x: 270, y: 122 },
  { station: 'etcd', x: 270, y: 232 },
  { station: 'controller', x: 520, y: 20 },
  { station: 'scheduler', x: 520, y: 122 },
  { station: 'kubelet', x: 520, y: 224 },
  { station: 'runtime', x: 708, y: 224 },
];

const links: readonly (readonly [Station, Station])[] = [
  ['client', 'api-server'],
  ['controller', 'api-server'],
  ['scheduler', 'api-server'],
  ['kubelet', 'api-server'],
  ['api-server', 'etcd'],
  ['kubelet', 'runtime'],
];

export interface PlaneLink {
  readonly from: Station;
  readonly to: Station;
  /** SVG path, from edge to edge. */
  readonly path: string;
}

const find = (station: Station): PlaneBox => {
  const found = boxes.find((one) => one.station === station);
  if (!found) throw new Error(`no box for ${station}`);
  return found;
};

export const planeLinks: readonly PlaneLink[] = links.map(([from, to]) => {
  const one = find(from);
  const other = find(to);
  const middle = (of: PlaneBox) => ({ x: of.x + box.width / 2, y: of.y + box.height / 2 });
  if (one.x === other.x)
    return { from, to, path: `M${middle(one).x} ${one.y + box.height}V${other.y}` };
  const leftToRight = one.x < other.x;
  const start = { x: leftToRight ? one.x + box.width : one.x, y: middle(one).y };
  const end = { x: leftToRight ? other.x : other.x + box.width, y: middle(other).y };
  const turn = (start.x + end.x) / 2;
  return {
    from,
    to,
    path: `M${start.x} ${start.y}C${turn} ${start.y} ${turn} ${end.y} ${end.x} ${end.y}`,
  };
});
