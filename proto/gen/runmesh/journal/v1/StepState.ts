// Original file: proto/runmesh/journal/v1/journal.proto

export const StepState = {
  STEP_STATE_UNSPECIFIED: 'STEP_STATE_UNSPECIFIED',
  STEP_STATE_SUCCEEDED: 'STEP_STATE_SUCCEEDED',
  STEP_STATE_FAILED: 'STEP_STATE_FAILED',
  STEP_STATE_CANCELLED: 'STEP_STATE_CANCELLED',
  STEP_STATE_SKIPPED: 'STEP_STATE_SKIPPED',
} as const;

export type StepState =
  | 'STEP_STATE_UNSPECIFIED'
  | 0
  | 'STEP_STATE_SUCCEEDED'
  | 1
  | 'STEP_STATE_FAILED'
  | 2
  | 'STEP_STATE_CANCELLED'
  | 3
  | 'STEP_STATE_SKIPPED'
  | 4

export type StepState__Output = typeof StepState[keyof typeof StepState]
