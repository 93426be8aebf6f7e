// Original file: proto/runmesh/journal/v1/journal.proto

export const AgentMode = {
  AGENT_MODE_UNSPECIFIED: 'AGENT_MODE_UNSPECIFIED',
  AGENT_MODE_OPEN: 'AGENT_MODE_OPEN',
  AGENT_MODE_CORDONED: 'AGENT_MODE_CORDONED',
  AGENT_MODE_DRAINING: 'AGENT_MODE_DRAINING',
} as const;

export type AgentMode =
  | 'AGENT_MODE_UNSPECIFIED'
  | 0
  | 'AGENT_MODE_OPEN'
  | 1
  | 'AGENT_MODE_CORDONED'
  | 2
  | 'AGENT_MODE_DRAINING'
  | 3

export type AgentMode__Output = typeof AgentMode[keyof typeof AgentMode]
