// Original file: proto/runmesh/journal/v1/journal.proto

import type { Long } from '@grpc/proto-loader';

export interface DeploymentChanged {
  'deployment'?: (string);
  'model'?: (string);
  'version'?: (number);
  'agentIds'?: (string)[];
  'revision'?: (number | string | Long);
  'runId'?: (string);
  'stepKey'?: (string);
}

export interface DeploymentChanged__Output {
  'deployment': (string);
  'model': (string);
  'version': (number);
  'agentIds': (string)[];
  'revision': (number);
  'runId': (string);
  'stepKey': (string);
}
