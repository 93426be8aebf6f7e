// Original file: proto/runmesh/task/v1/task.proto


export interface NoopAction {
}

export interface NoopAction__Output {
}
