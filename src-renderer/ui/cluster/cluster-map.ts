import type { ObjectTableView } from '#contract';

export interface MapPod {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** As the STATUS column says: `Running`, `CrashLoopBackOff`. */
  readonly status: string;
  /** As the READY column says: `1/2`. */
  readonly ready: string;
  readonly node: string;
  readonly tone: 'good' | 'warn' | 'bad' | 'done';
}

export interface MapNode {
  readonly name: string;
  readonly roles: string;
  /** `Ready`, `NotReady`, `Ready,SchedulingDisabled`. */
  readonly status: string;
  readonly isReady: boolean;
  readonly pods: readonly MapPod[];
}

export interface ClusterMapView {
  readonly nodes: readonly MapNode[];
  /** Pods that no node has. */
  readonly unplaced: readonly MapPod[];
}

/** Joins the server's tables of nodes and pods to a picture of who runs where. */
export function mapOf(nodes: ObjectTableView, pods: ObjectTableView): ClusterMapView {
  const nodeCell = cellsOf(nodes);
  const podCell = cellsOf(pods);
  const all = pods.rows.map((row): MapPod => {
    const status = podCell(row, 'status');
    const ready = podCell(row, 'ready');
    const { uid, namespace, name } = row;
    const node = podCell(row, 'node');
    return { uid, namespace, name, status, ready, node, tone: toneOf(status, ready) };
  });
  const known = new Set(nodes.rows.map(({ name }) => name));
  return {
    nodes: nodes.rows.map((row) => {
      const status = nodeCell(row, 'status');
      return {
        name: row.name,
        roles: nodeCell(row, 'roles').replace('<none>', ''),
        status,
        isReady: status.split(',').includes('Ready'),
        pods: all.filter(({ node }) => node === row.name),
      };
    }),
    unplaced: all.filter(({ node }) => !known.has(node)),
  };
}

function cellsOf({ columns }: ObjectTableView) {
  const indexes = new Map(columns.map(({ name }, index) => [name.toLowerCase(), index]));
  return (row: ObjectTableView['rows'][number], column: string): string =>
    row.cells[indexes.get(column) ?? -1] ?? '';
}

function toneOf(status: string, ready: string): MapPod['tone'] {
  if (status === 'Completed' || status === 'Succeeded') return 'done';
  if (status === 'Running') {
    const [up, wanted] = ready.split('/');
    return up === wanted ? 'good' : 'warn';
  }
  return /^(Pending|ContainerCreating|PodInitializing|Init:\d+\/\d+|Terminating|SchedulingGated)$/.test(
    status,
  )
    ? 'warn'
    : 'bad';
}
