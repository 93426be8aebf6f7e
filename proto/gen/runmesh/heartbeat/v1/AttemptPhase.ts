// Original file: proto/runmesh/heartbeat/v1/heartbeat.proto

export const AttemptPhase = {
  ATTEMPT_PHASE_UNSPECIFIED: 'ATTEMPT_PHASE_UNSPECIFIED',
  ATTEMPT_PHASE_ACCEPTED: 'ATTEMPT_PHASE_ACCEPTED',
  ATTEMPT_PHASE_RUNNING: 'ATTEMPT_PHASE_RUNNING',
  ATTEMPT_PHASE_FINISHED: 'ATTEMPT_PHASE_FINISHED',
} as const;

export type AttemptPhase =
  | 'ATTEMPT_PHASE_UNSPECIFIED'
  | 0
  | 'ATTEMPT_PHASE_ACCEPTED'
  | 1
  | 'ATTEMPT_PHASE_RUNNING'
  | 2
  | 'ATTEMPT_PHASE_FINISHED'
  | 3

export type AttemptPhase__Output = typeof AttemptPhase[keyof typeof AttemptPhase]
