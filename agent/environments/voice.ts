/** What is said while something is made, to all who listen; who comes late hears its start too. */

import { appendFileSync, writeFileSync } from "node:fs";

export type Hear = (said: string | Buffer) => void;

/** Of what is said, for those who come late. */
const KEPT_BYTES = 256 * 1024;
/** No listener gets more. */
const HEARD_BYTES = 4 * 1024 * 1024;

export class Voice {
	readonly #path: string;
	readonly #listeners = new Set<Hear>();
	readonly #kept: Buffer[] = [];
	#keptBytes = 0;
	#heardBytes = 0;
	#writtenBytes = 0;

	/** The last of it is in that file as well. */
	constructor(path: string) {
		this.#path = path;
	}

	say(said: string | Buffer): void {
		const bytes = Buffer.from(said);
		this.#write(bytes);
		if (this.#heardBytes > HEARD_BYTES) return;
		this.#heardBytes += bytes.length;
		this.#tell(bytes);
		if (this.#heardBytes > HEARD_BYTES) this.#tell(Buffer.from("\nrunmesh: it says more than is kept\n"));
	}

	/** Returns what ends it. */
	listen(hear: Hear): () => void {
		for (const bytes of this.#kept) hear(bytes);
		this.#listeners.add(hear);
		return () => this.#listeners.delete(hear);
	}

	#tell(bytes: Buffer): void {
		if (this.#keptBytes < KEPT_BYTES) this.#kept.push(bytes);
		this.#keptBytes += bytes.length;
		for (const listener of this.#listeners) listener(bytes);
	}

	/** On a full disk it fails; that is told by the command which meets it. */
	#write(bytes: Buffer): void {
		try {
			if (this.#writtenBytes > HEARD_BYTES) {
				writeFileSync(this.#path, "");
				this.#writtenBytes = 0;
			}
			appendFileSync(this.#path, bytes, { mode: 0o600 });
			this.#writtenBytes += bytes.length;
		} catch {
			this.#writtenBytes += bytes.length;
		}
	}
}
