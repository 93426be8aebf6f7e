/** Ends a switch over a union: a new member fails compilation here. */
export const assertNever = (value: never): never => {
	throw new Error(`unexpected value ${JSON.stringify(value)}`);
};
