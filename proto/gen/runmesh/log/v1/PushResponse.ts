// Original file: proto/runmesh/log/v1/log.proto

import type { LogStream as _runmesh_log_v1_LogStream, LogStream__Output as _runmesh_log_v1_LogStream__Output } from '../../../runmesh/log/v1/LogStream.ts';
import type { Long } from '@grpc/proto-loader';

export interface PushResponse {
  'attemptId'?: (string);
  'stream'?: (_runmesh_log_v1_LogStream);
  'nextOffset'?: (number | string | Long);
}

export interface PushResponse__Output {
  'attemptId': (string);
  'stream': (_runmesh_log_v1_LogStream__Output);
  'nextOffset': (number);
}
