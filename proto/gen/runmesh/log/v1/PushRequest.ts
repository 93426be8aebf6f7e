// Original file: proto/runmesh/log/v1/log.proto

import type { LogStream as _runmesh_log_v1_LogStream, LogStream__Output as _runmesh_log_v1_LogStream__Output } from '../../../runmesh/log/v1/LogStream.ts';
import type { Long } from '@grpc/proto-loader';

export interface PushRequest {
  'attemptId'?: (string);
  'stream'?: (_runmesh_log_v1_LogStream);
  'offset'?: (number | string | Long);
  'data'?: (Buffer | Uint8Array | string);
  'atMs'?: (number | string | Long);
  'droppedBytes'?: (number | string | Long);
  'end'?: (boolean);
  'silentAttemptIds'?: (string)[];
}

export interface PushRequest__Output {
  'attemptId': (string);
  'stream': (_runmesh_log_v1_LogStream__Output);
  'offset': (number);
  'data': (Buffer);
  'atMs': (number);
  'droppedBytes': (number);
  'end': (boolean);
  'silentAttemptIds': (string)[];
}
