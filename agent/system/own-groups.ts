/** Which control groups this process is in, as folders: from /proc/self/cgroup and /proc/self/mountinfo. */

export interface OwnGroups {
	/** By controller, of version 1. */
	v1: Record<string, string>;
	/** null without version 2. In a hybrid host it has no controllers. */
	v2: string | null;
}

interface Mount {
	/** "cgroup" or "cgroup2". */
	type: string;
	/** What of the hierarchy is mounted: "/" but in some containers. */
	root: string;
	point: string;
	options: string[];
}

export const parseOwnGroups = (cgroup: string, mountinfo: string): OwnGroups => {
	const mounts = parseMounts(mountinfo);
	const own: OwnGroups = { v1: {}, v2: null };
	for (const line of cgroup.split("\n")) {
		const [, id, names = "", path = ""] = /^(\d+):([^:]*):(\/.*)$/.exec(line) ?? [];
		if (id === undefined) continue;
		if (id === "0" && names === "") {
			own.v2 = folderOf(
				path,
				mounts.filter(({ type }) => type === "cgroup2"),
			);
			continue;
		}
		// Mounted together, they are one folder.
		for (const name of names.split(",").filter((name) => name !== "" && !name.startsWith("name="))) {
			const folder = folderOf(
				path,
				mounts.filter(({ type, options }) => type === "cgroup" && options.includes(name)),
			);
			if (folder !== null) own.v1[name] = folder;
		}
	}
	return own;
};

const parseMounts = (mountinfo: string): Mount[] =>
	mountinfo.split("\n").flatMap((line) => {
		const [before = "", after = ""] = line.split(" - ");
		const [, , , root = "", point = ""] = before.split(" ");
		const [type = "", , options = ""] = after.split(" ");
		return type.startsWith("cgroup")
			? [{ type, root: plain(root), point: plain(point), options: options.split(",") }]
			: [];
	});

/** Spaces and the like are written as \040. */
const plain = (text: string): string =>
	text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

/** null where the group is outside of what can be seen. */
const folderOf = (path: string, mounts: readonly Mount[]): string | null => {
	if (path.split("/").includes("..")) return null;
	for (const { root, point } of mounts) {
		if (root === "/") return path === "/" ? point : `${point}${path}`;
		if (path === root) return point;
		if (path.startsWith(`${root}/`)) return `${point}${path.slice(root.length)}`;
	}
	return null;
};
