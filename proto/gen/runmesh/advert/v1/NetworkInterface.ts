// Original file: proto/runmesh/advert/v1/advert.proto


export interface NetworkInterface {
  'name'?: (string);
  'address'?: (string);
  'megabitsPerSecond'?: (number);
}

export interface NetworkInterface__Output {
  'name': (string);
  'address': (string);
  'megabitsPerSecond': (number);
}
