// Original file: proto/runmesh/advert/v1/advert.proto


export interface Endpoints {
  'grpc'?: (string);
  'serving'?: (string);
}

export interface Endpoints__Output {
  'grpc': (string);
  'serving': (string);
}
