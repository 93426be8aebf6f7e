// Original file: proto/runmesh/journal/v1/journal.proto

import type { RunState as _runmesh_journal_v1_RunState, RunState__Output as _runmesh_journal_v1_RunState__Output } from '../../../runmesh/journal/v1/RunState.ts';

export interface RunFinished {
  'runId'?: (string);
  'state'?: (_runmesh_journal_v1_RunState);
  'reason'?: (string);
}

export interface RunFinished__Output {
  'runId': (string);
  'state': (_runmesh_journal_v1_RunState__Output);
  'reason': (string);
}
