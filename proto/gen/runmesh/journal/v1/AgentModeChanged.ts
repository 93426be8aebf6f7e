// Original file: proto/runmesh/journal/v1/journal.proto

import type { AgentMode as _runmesh_journal_v1_AgentMode, AgentMode__Output as _runmesh_journal_v1_AgentMode__Output } from '../../../runmesh/journal/v1/AgentMode.ts';

export interface AgentModeChanged {
  'agentId'?: (string);
  'mode'?: (_runmesh_journal_v1_AgentMode);
  'reason'?: (string);
  'by'?: (string);
  'leave'?: (boolean);
}

export interface AgentModeChanged__Output {
  'agentId': (string);
  'mode': (_runmesh_journal_v1_AgentMode__Output);
  'reason': (string);
  'by': (string);
  'leave': (boolean);
}
