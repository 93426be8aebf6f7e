// Original file: proto/runmesh/journal/v1/journal.proto

export const RunState = {
  RUN_STATE_UNSPECIFIED: 'RUN_STATE_UNSPECIFIED',
  RUN_STATE_SUCCEEDED: 'RUN_STATE_SUCCEEDED',
  RUN_STATE_FAILED: 'RUN_STATE_FAILED',
  RUN_STATE_CANCELLED: 'RUN_STATE_CANCELLED',
} as const;

export type RunState =
  | 'RUN_STATE_UNSPECIFIED'
  | 0
  | 'RUN_STATE_SUCCEEDED'
  | 1
  | 'RUN_STATE_FAILED'
  | 2
  | 'RUN_STATE_CANCELLED'
  | 3

export type RunState__Output = typeof RunState[keyof typeof RunState]
