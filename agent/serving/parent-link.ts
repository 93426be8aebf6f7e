/** A model process's end of the socket to its agent. When the agent is gone, so is the process. */

import { Socket } from "node:net";
import { type Frame, frameReader, writeFrame } from "./frames.ts";

export interface ParentLink {
	say(header: object, tensors?: Uint8Array[]): void;
	/** Ends the process once all that was said is on its way. */
	leave(exitCode: number): void;
}

const DESCRIPTOR = 3;

export const linkToParent = (onFrame: (frame: Frame) => void): ParentLink => {
	const socket = new Socket({ fd: DESCRIPTOR, readable: true, writable: true });
	socket.on("data", frameReader(onFrame));
	socket.on("end", () => process.exit(0));
	socket.on("error", () => process.exit(1));
	return {
		say: (header, tensors) => writeFrame(socket, header, tensors),
		leave: (exitCode) => void socket.end(() => process.exit(exitCode)),
	};
};
