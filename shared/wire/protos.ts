/**
 * The .proto files, loaded once. Enum values are renamed to the words the domain uses
 * (FAILURE_CAUSE_OOM → "oom") before any codec is made, so that no table repeats them.
 */

import { globSync } from "node:fs";
import { fileURLToPath } from "node:url";
import protobuf from "protobufjs";

export const protoDir: string = fileURLToPath(new URL("../../proto/", import.meta.url));

const upperSnake = (name: string): string => name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toUpperCase();

const renameEnumValues = (space: protobuf.NamespaceBase): void => {
	for (const nested of space.nestedArray) {
		if (nested instanceof protobuf.Enum) {
			const prefix = `${upperSnake(nested.name)}_`;
			const words = Object.entries(nested.values).map(([name, value]): [string, number] => [
				(name.startsWith(prefix) ? name.slice(prefix.length) : name).toLowerCase(),
				value,
			]);
			nested.valuesById = Object.fromEntries(words.map(([word, value]) => [value, word]));
			// protobufjs looks numbers up through the prototype of `values`.
			nested.values = Object.assign(Object.create(nested.valuesById), Object.fromEntries(words));
		} else if (nested instanceof protobuf.Namespace) {
			renameEnumValues(nested);
		}
	}
};

const loadRoot = (): protobuf.Root => {
	const root = new protobuf.Root();
	root.resolvePath = (_origin, target) => (target.startsWith("/") ? target : `${protoDir}${target}`);
	root.loadSync(globSync("runmesh/**/*.proto", { cwd: protoDir }).sort());
	root.resolveAll();
	renameEnumValues(root);
	return root;
};

const root = loadRoot();

/** A message type by its full name: "runmesh.task.v1.Task". */
export const messageType = (name: string): protobuf.Type => root.lookupType(name);
