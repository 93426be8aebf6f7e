// Original file: proto/runmesh/journal/v1/journal.proto


export interface AgentForgotten {
  'agentId'?: (string);
  'by'?: (string);
}

export interface AgentForgotten__Output {
  'agentId': (string);
  'by': (string);
}
