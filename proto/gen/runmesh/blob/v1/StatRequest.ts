// Original file: proto/runmesh/blob/v1/blob.proto


export interface StatRequest {
  'digests'?: (string)[];
}

export interface StatRequest__Output {
  'digests': (string)[];
}
