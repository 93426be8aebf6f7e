/** Domain values to the bytes on NATS and back. Bytes that are no such message throw RM_BAD_INPUT. */

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

/** Synthetic oneofs of `optional` fields ("_exitCode") are proto's own business. */
const dropSynthetic = (value: unknown): void => {
	if (Array.isArray(value)) {
		for (const item of value) dropSynthetic(item);
	} else if (value !== null && typeof value === "object" && !ArrayBuffer.isView(value)) {
		for (const [key, nested] of Object.entries(value)) {
			if (key.startsWith("_")) delete (value as Plain)[key];
			else if (nested !== null && typeof nested === "object") dropSynthetic(nested);
		}
	}
};

/** A codec for `name`; `pack` and `unpack` adapt unions, the only shape that differs. */
export const messageCodec = <T>(
	name: string,
	pack: (value: T) => object = (value) => value as object,
	unpack: (message: Plain) => T = (message) => message as T,
): Codec<T> => {
	const type = messageType(name);
	return {
		encode: (value) => type.encode(type.fromObject(pack(value))).finish(),
		decode: (bytes) => {
			let message: Plain;
			try {
				message = type.toObject(type.decode(bytes), conversion);
			} catch (cause) {
				throw new RunmeshError("RM_BAD_INPUT", `bytes that are no ${name}`, { cause });
			}
			dropSynthetic(message);
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
export const heartbeatCodec: Codec<Heartbeat> = messageCodec("runmesh.heartbeat.v1.Heartbeat");
export const heartbeatReplyCodec: Codec<HeartbeatReply> = messageCodec("runmesh.heartbeat.v1.HeartbeatReply");
export const controlCodec: Codec<Control> = messageCodec("runmesh.heartbeat.v1.Control");
export const advertCodec: Codec<Advert> = messageCodec("runmesh.advert.v1.Advert");
export const desiredServingCodec: Codec<DesiredServing> = messageCodec("runmesh.serving.v1.DesiredServing");
export const manifestCodec: Codec<Manifest> = messageCodec("runmesh.common.v1.Manifest");
