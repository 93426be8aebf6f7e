// Original file: proto/runmesh/heartbeat/v1/heartbeat.proto


export interface StopAttempt {
  'attemptId'?: (string);
  'reason'?: (string);
}

export interface StopAttempt__Output {
  'attemptId': (string);
  'reason': (string);
}
