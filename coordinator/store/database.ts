/**
 * Opens the read side's file, and makes it anew whenever it can't be trusted: another schema version, bytes that are
 * no database, or a machine that went down with the file open (it is written without syncing, so that a power cut
 * may leave anything in it; the death of the process alone does not).
 */

import { mkdirSync, rmSync } from "node:fs";
import { uptime } from "node:os";
import { dirname } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { RunmeshError, toRunmeshError } from "#shared/errors.ts";
import { bootId } from "#shared/process.ts";
import { SCHEMA, SCHEMA_VERSION } from "./schema.ts";

const SETTINGS = `
PRAGMA journal_mode = WAL;
PRAGMA synchronous = OFF;
PRAGMA temp_store = MEMORY;
PRAGMA cache_size = -8000;
PRAGMA journal_size_limit = 67108864;
`;

const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_NOTADB = 26;

export const openDatabase = (path: string): DatabaseSync => {
	if (path === ":memory:") return createSchema(new DatabaseSync(path));
	mkdirSync(dirname(path), { recursive: true });
	const kept = openTrusted(path);
	if (kept) return kept;
	dropDatabase(path);
	return createSchema(new DatabaseSync(path));
};

/** Closes the file and marks it as whole: only once everything before the mark is synced. */
export const closeDatabase = (database: DatabaseSync): void => {
	markSynced(database, `closing ${bootIdentity()}`);
	markSynced(database, "");
	database.close();
};

export const dropDatabase = (path: string): void => {
	for (const suffix of ["", "-wal", "-shm"]) rmSync(`${path}${suffix}`, { force: true });
};

const openTrusted = (path: string): DatabaseSync | null => {
	const database = new DatabaseSync(path);
	try {
		const version = database.prepare("PRAGMA user_version").get()?.user_version;
		const opened = version === SCHEMA_VERSION ? database.prepare("SELECT boot FROM opened").get() : undefined;
		if (opened && (opened.boot === "" || opened.boot === bootIdentity())) return markOpened(database);
	} catch (error) {
		if (!isCorruption(error)) {
			database.close();
			throw toStoreError(error);
		}
	}
	database.close();
	return null;
};

const createSchema = (database: DatabaseSync): DatabaseSync => {
	database.exec(SETTINGS);
	database.exec(`
		BEGIN;
		${SCHEMA}
		CREATE TABLE opened (boot TEXT NOT NULL);
		INSERT INTO opened VALUES ('');
		PRAGMA user_version = ${SCHEMA_VERSION};
		COMMIT;
	`);
	return markOpened(database);
};

/** Synced, before anything is written that is not: while the mark stands, only this boot of the machine may trust it. */
const markOpened = (database: DatabaseSync): DatabaseSync => {
	markSynced(database, bootIdentity());
	database.exec(SETTINGS);
	return database;
};

/** The checkpoint syncs the main file with all that earlier ones wrote there unsynced. */
const markSynced = (database: DatabaseSync, boot: string): void => {
	database.exec("PRAGMA synchronous = FULL");
	database.prepare("UPDATE opened SET boot = ?").run(boot);
	database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
};

/** Names this boot of the machine; where the system has no such name, the minute it came up. */
const bootIdentity = (): string => bootId() || `up since minute ${Math.round((Date.now() / 1000 - uptime()) / 60)}`;

const sqliteCode = (error: unknown): number | undefined => {
	const { errcode } = error as { errcode?: unknown };
	return typeof errcode === "number" ? errcode & 0xff : undefined;
};

export const isCorruption = (error: unknown): boolean => {
	const code = sqliteCode(error);
	return code === SQLITE_CORRUPT || code === SQLITE_NOTADB;
};

export const toStoreError = (error: unknown): RunmeshError => {
	if (sqliteCode(error) === SQLITE_FULL) {
		return new RunmeshError("RM_DISK_FULL", "no space left on the disk that holds the coordinator's read side", {
			hint: "free some space, or set RUNMESH_HOME to a larger disk",
			cause: error,
		});
	}
	if (isCorruption(error)) {
		return new RunmeshError("RM_INTERNAL", "the coordinator's read side is damaged on the disk", {
			hint: "restart the coordinator: it makes it anew from the journal",
			cause: error,
		});
	}
	return toRunmeshError(error);
};

/** A prepared statement whose rows have a shape. */
export interface Query<Row> {
	all(...parameters: SQLInputValue[]): Row[];
	get(...parameters: SQLInputValue[]): Row | undefined;
}

/** The shape is the caller's promise: it stands beside the SQL that makes it true. */
export const query = <Row>(database: DatabaseSync, sql: string): Query<Row> =>
	database.prepare(sql) as unknown as Query<Row>;
