// Original file: proto/runmesh/report/v1/report.proto

export const ReplicaState = {
  REPLICA_STATE_UNSPECIFIED: 'REPLICA_STATE_UNSPECIFIED',
  REPLICA_STATE_LOADING: 'REPLICA_STATE_LOADING',
  REPLICA_STATE_SERVING: 'REPLICA_STATE_SERVING',
  REPLICA_STATE_FAILED: 'REPLICA_STATE_FAILED',
} as const;

export type ReplicaState =
  | 'REPLICA_STATE_UNSPECIFIED'
  | 0
  | 'REPLICA_STATE_LOADING'
  | 1
  | 'REPLICA_STATE_SERVING'
  | 2
  | 'REPLICA_STATE_FAILED'
  | 3

export type ReplicaState__Output = typeof ReplicaState[keyof typeof ReplicaState]
