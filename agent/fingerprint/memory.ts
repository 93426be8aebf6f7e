/** Memory that processes here may use: the machine's, or the container's limit. */

import { totalmem } from "node:os";

export const memoryBytes = (): number => {
	const limit = process.constrainedMemory();
	// Without a limit it says 0, or more than there is.
	return limit > 0 && limit < totalmem() ? limit : totalmem();
};
