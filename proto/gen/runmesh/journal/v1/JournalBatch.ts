// Original file: proto/runmesh/journal/v1/journal.proto

import type { Event as _runmesh_journal_v1_Event, Event__Output as _runmesh_journal_v1_Event__Output } from '../../../runmesh/journal/v1/Event.ts';
import type { Long } from '@grpc/proto-loader';

export interface JournalBatch {
  'schemaVersion'?: (number);
  'leaderEpoch'?: (number | string | Long);
  'batchId'?: (string);
  'events'?: (_runmesh_journal_v1_Event)[];
}

export interface JournalBatch__Output {
  'schemaVersion': (number);
  'leaderEpoch': (number);
  'batchId': (string);
  'events': (_runmesh_journal_v1_Event__Output)[];
}
