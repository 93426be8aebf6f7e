/**
 * Quotes a value for the very place in a POSIX shell script where it will stand: bare, inside single or double
 * quotes, in a comment or a here-document. Reads the script up to that place and follows its quoting; it need not
 * understand the rest of the language.
 */

type Frame =
	| "plain"
	| "parens"
	| "arithmetic"
	| "backticks"
	| "single"
	| "double"
	| "comment"
	| "body"
	| "literal body";

interface HereDocument {
	delimiter: string;
	/** A quoted delimiter: the shell expands nothing in the body. */
	literal: boolean;
	/** `<<-` */
	stripsTabs: boolean;
}

const PLAIN_WORD = /^[A-Za-z0-9_@%+=:,./-]+$/;
const HERE_DOCUMENT = /<<(-?)[ \t]*(?:'([^'\n]+)'|"([^"\n]+)"|(\\?)([A-Za-z_][A-Za-z0-9_]*))/y;
const BEFORE_COMMENT = /[\s;&|()]/;

export class ShellContext {
	readonly #frames: Frame[] = ["plain"];
	/** Announced and not yet over, in order: their bodies begin on the next line. */
	readonly #announced: HereDocument[] = [];
	/** The line of a body so far. */
	#bodyLine = "";
	#escaped = false;
	#previous = "\n";

	/** Goes on over the script's own text. */
	read(text: string): void {
		for (let at = 0; at < text.length; ) at += this.#step(text, at);
	}

	/** `value` as it must stand here; the script goes on behind it in the same state. */
	quote(value: string): string {
		if (PLAIN_WORD.test(value)) return this.#pass(value);
		const quoted = this.#quoteInFrame(value);
		// The shell takes one layer of backslashes off a command in backticks before it reads the rest.
		return this.#pass(this.#frames.includes("backticks") ? quoted.replace(/[\\$`]/g, "\\$&") : quoted);
	}

	#pass(quoted: string): string {
		this.#escaped = false;
		this.#previous = "x";
		this.#bodyLine += "\0";
		return quoted;
	}

	#quoteInFrame(value: string): string {
		// A backslash just before would eat the first character of the quoted value; it takes a line break instead.
		const guard = this.#escaped ? "\n" : "";
		switch (this.#frame) {
			case "comment":
			case "literal body":
				return oneLine(value);
			case "body":
				return guard + oneLine(value).replace(/[\\$`]/g, "\\$&");
			case "single":
				return value.replaceAll("'", "'\\''");
			case "double":
				return guard + value.replace(/[\\$`"]/g, "\\$&");
			default:
				return `${guard}'${value.replaceAll("'", "'\\''")}'`;
		}
	}

	get #frame(): Frame {
		return this.#frames.at(-1) ?? "plain";
	}

	/** Takes what stands at `at`; returns how many characters that was. */
	#step(text: string, at: number): number {
		const char = text.charAt(at);
		const previous = this.#previous;
		this.#previous = char;
		const frame = this.#frame;
		if (this.#escaped) {
			this.#escaped = false;
			return 1;
		}
		if (frame === "literal body") return this.#readBody(char);
		if (frame === "comment" && char === "\n") return this.#endLine(this.#leave());
		if (frame === "single" && char === "'") return this.#leave();
		if (frame === "comment" || frame === "single") return 1;
		if (char === "\\") {
			this.#escaped = true;
			return 1;
		}
		if (text.startsWith("$((", at)) return this.#enter("arithmetic", 3);
		if (text.startsWith("$(", at)) return this.#enter("parens", 2);
		if (char === "`") return frame === "backticks" ? this.#leave() : this.#enter("backticks");
		if (frame === "body") return this.#readBody(char);
		if (char === '"') return frame === "double" ? this.#leave() : this.#enter("double");
		return frame === "double" ? 1 : this.#readBare(text, at, previous);
	}

	/** Outside of all quotes. */
	#readBare(text: string, at: number, previous: string): number {
		const char = text.charAt(at);
		if (char === "'") return this.#enter("single");
		if (char === "#" && BEFORE_COMMENT.test(previous)) return this.#enter("comment");
		if (text.startsWith("((", at)) return this.#enter("arithmetic", 2);
		if (char === "(") return this.#enter("parens");
		if (this.#frame === "arithmetic") return text.startsWith("))", at) ? this.#leave(2) : 1;
		if (char === ")" && this.#frame === "parens") return this.#leave();
		if (text.startsWith("<<<", at)) return 3;
		if (char === "<") return this.#announce(text, at);
		return char === "\n" ? this.#endLine(1) : 1;
	}

	#enter(frame: Frame, length = 1): number {
		this.#frames.push(frame);
		return length;
	}

	#leave(length = 1): number {
		this.#frames.pop();
		return length;
	}

	#announce(text: string, at: number): number {
		HERE_DOCUMENT.lastIndex = at;
		const [all, dash, single, double, backslash, bare] = HERE_DOCUMENT.exec(text) ?? [];
		const delimiter = single ?? double ?? bare;
		if (all === undefined || delimiter === undefined) return 1;
		this.#announced.push({ delimiter, literal: bare === undefined || backslash === "\\", stripsTabs: dash === "-" });
		return all.length;
	}

	/** A line of code is over: the bodies announced on it follow. */
	#endLine(length: number): number {
		this.#bodyLine = "";
		const [next] = this.#announced;
		if (next) this.#frames.push(next.literal ? "literal body" : "body");
		return length;
	}

	#readBody(char: string): number {
		if (char !== "\n") {
			this.#bodyLine += char;
			return 1;
		}
		const [body] = this.#announced;
		const line = body?.stripsTabs ? this.#bodyLine.replace(/^\t+/, "") : this.#bodyLine;
		this.#bodyLine = "";
		if (line !== body?.delimiter) return 1;
		this.#announced.shift();
		return this.#endLine(this.#leave());
	}
}

/** A line break would end the comment, or let the value end the here-document. */
const oneLine = (value: string): string => value.replaceAll("\n", " ");
