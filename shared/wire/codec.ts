/** Domain values to the bytes on NATS and back. Bytes that are no such message throw RM_BAD_INPUT. */

import protobuf from "protobufjs";
import type { Advert, Control, DesiredServing, Heartbeat, HeartbeatReply, Manifest, Report, Task } from "../domain.ts";
import { RunmeshError } from "../errors.ts";
import { messageType } from "./protos.ts";

export interface Codec<T> {
	encode(value: T): Uint8Array;
	decode(bytes: Uint8Array): T;
}

type Plain = Record<string, unknown>;

const conversion = { longs: Number, enums: String, defaults: true, oneofs: true } as const;

/** `{kind: "noop", …}` ↔ `{noop: {…}}`: a union of the domain is a oneof of the proto. */
const unionToOneof = ({ kind, ...fields }: { kind: string }): Plain => ({ [kind]: fields });

const oneofToUnion = (message: Plain, oneof: string): Plain => {
	const kind = message[oneof];
	if (typeof kind !== "string") throw new RunmeshError("RM_BAD_INPUT", `a message without ${oneof}`);
	return { kind, ...(message[kind] as Plain) };
};

/** Where `optional` fields' synthetic oneofs ("_exitCode") stand in a message: proto's own business. */
interface SyntheticOneofs {
	names: string[];
	below: [field: string, oneofs: SyntheticOneofs][];
}

/** By type, so that a key of a map may be called anything. */
const syntheticOneofs = (type: protobuf.Type): SyntheticOneofs => ({
	names: type.oneofsArray.map(({ name }) => name).filter((name) => name.startsWith("_")),
	below: type.fieldsArray.flatMap((field): SyntheticOneofs["below"] => {
		if (!(field.resolvedType instanceof protobuf.Type) || field.map) return [];
		const oneofs = syntheticOneofs(field.resolvedType);
		return oneofs.names.length + oneofs.below.length > 0 ? [[field.name, oneofs]] : [];
	}),
});

const dropSynthetic = (message: Plain, { names, below }: SyntheticOneofs): void => {
	for (const name of names) delete message[name];
	for (const [field, oneofs] of below) {
		const nested = message[field];
		if (Array.isArray(nested)) for (const item of nested) dropSynthetic(item as Plain, oneofs);
		else if (nested) dropSynthetic(nested as Plain, oneofs);
	}
};

/** A codec for `name`; `pack` and `unpack` adapt unions, the only shape that differs. */
export const messageCodec = <T>(
	name: string,
	pack: (value: T) => object = (value) => value as object,
	unpack: (message: Plain) => T = (message) => message as T,
): Codec<T> => {
	const type = messageType(name);
	const synthetic = syntheticOneofs(type);
	return {
		encode: (value) => type.encode(type.fromObject(pack(value))).finish(),
		decode: (bytes) => {
			let message: Plain;
			try {
				message = type.toObject(type.decode(bytes), conversion);
			} catch (cause) {
				throw new RunmeshError("RM_BAD_INPUT", `bytes that are no ${name}`, { cause });
			}
			dropSynthetic(message, synthetic);
			return unpack(message);
		},
	};
};

export const taggedUnion = {
	/** {…, [oneof]: {kind, …}} → proto. */
	pack:
		<K extends string>(oneof: K) =>
		<T extends Record<K, { kind: string }>>(value: T): object => {
			const { [oneof]: union, ...rest } = value;
			return { ...rest, ...unionToOneof(union) };
		},
	/** proto → {…, [oneof]: {kind, …}}. */
	unpack:
		<K extends string>(oneof: K) =>
		<T>(message: Plain): T => {
			const union = oneofToUnion(message, oneof);
			const { [union.kind as string]: _fields, ...rest } = message;
			return { ...rest, [oneof]: union } as T;
		},
} as const;

export const taskCodec: Codec<Task> = messageCodec<Task>(
	"runmesh.task.v1.Task",
	taggedUnion.pack("action"),
	taggedUnion.unpack("action"),
);
export const reportCodec: Codec<Report> = messageCodec<Report>(
	"runmesh.report.v1.Report",
	taggedUnion.pack("body"),
	taggedUnion.unpack("body"),
);
const manyReportsCodec = messageCodec<Report[]>(
	"runmesh.report.v1.Reports",
	(reports) => ({ reports: reports.map(taggedUnion.pack("body")) }),
	({ reports }) => (reports as Plain[]).map((report) => taggedUnion.unpack("body")<Report>(report)),
);
/** What travels on rm.report.<agent>: one as it is, several together. */
export const reportsCodec: Codec<Report[]> = {
	encode: (reports) => {
		const [only] = reports;
		return only && reports.length === 1 ? reportCodec.encode(only) : manyReportsCodec.encode(reports);
	},
	decode: (bytes) => {
		const reports = manyReportsCodec.decode(bytes);
		return reports.length > 0 ? reports : [reportCodec.decode(bytes)];
	},
};
export const heartbeatCodec: Codec<Heartbeat> = messageCodec("runmesh.heartbeat.v1.Heartbeat");
export const heartbeatReplyCodec: Codec<HeartbeatReply> = messageCodec("runmesh.heartbeat.v1.HeartbeatReply");
export const controlCodec: Codec<Control> = messageCodec("runmesh.heartbeat.v1.Control");
export const advertCodec: Codec<Advert> = messageCodec("runmesh.advert.v1.Advert");
export const desiredServingCodec: Codec<DesiredServing> = messageCodec("runmesh.serving.v1.DesiredServing");
export const manifestCodec: Codec<Manifest> = messageCodec("runmesh.common.v1.Manifest");
