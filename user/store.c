// SPDX-License-Identifier: GPL-2.0-only
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_internal.h"
#include "util.h"

#define BUSY_MS	     2000
#define WAL_BYTES    (4 << 20)
#define LENGTH_MAX   (1 << 20) /* of a text or a statement in a file */
#define ERROR_FORMAT "%.120s: %.130s"

/* What SQLite's codes mean to people who record; the first that fits. */
static const struct {
	int code, err;
	const char *text;
} failures[] = {
	{ SQLITE_FULL, -ENOSPC, "no space is left on the device" },
	{ SQLITE_NOTADB, -EINVAL, "it is not a recording" },
	{ SQLITE_CORRUPT, -EBADMSG, "it is damaged" },
	{ SQLITE_TOOBIG, -EBADMSG, "it is damaged: a text in it is too long" },
	{ SQLITE_BUSY, -EBUSY, "another program has locked it" },
	{ SQLITE_LOCKED, -EBUSY, "another program has locked it" },
	{ SQLITE_READONLY, -EROFS, "it cannot be written" },
	{ SQLITE_CANTOPEN, -EACCES, "it cannot be opened" },
	{ SQLITE_NOMEM, -ENOMEM, "out of memory" },
};

int store__say(struct store *s, int err, const char *text, char error[STORE_ERROR])
{
	snprintf(error, STORE_ERROR, ERROR_FORMAT, s->path, text);
	return err;
}

int store__failed(struct store *s, int code, char error[STORE_ERROR])
{
	int err = s->db ? sqlite3_system_errno(s->db) : 0;

	/* a write error without a cause of its own is said to be a disk error */
	if ((code & 0xff) == SQLITE_IOERR && (err == ENOSPC || err == EDQUOT))
		code = SQLITE_FULL;
	for (size_t i = 0; i < ARRAY_SIZE(failures); i++)
		if ((code & 0xff) == failures[i].code)
			return store__say(s, failures[i].err, failures[i].text, error);
	return store__say(s, -EIO, s->db ? sqlite3_errmsg(s->db) : sqlite3_errstr(code), error);
}

int store__damaged(struct store *s, const char *what, char error[STORE_ERROR])
{
	char text[128];

	snprintf(text, sizeof(text), "it is damaged: %s", what);
	return store__say(s, -EBADMSG, text, error);
}

int store__prepare(struct store *s, sqlite3_stmt **ret, const char *format, ...)
{
	_cleanup_(util__freep) char *sql = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&sql, format, args) < 0)
		sql = NULL;
	va_end(args);
	if (!sql)
		return SQLITE_NOMEM;
	return sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL);
}

int store__number(sqlite3_stmt *statement, int64_t *ret)
{
	int code = sqlite3_step(statement);

	*ret = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
	sqlite3_reset(statement);
	return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

/* One number of a PRAGMA or SELECT that is asked for once. */
static int ask(struct store *s, const char *sql, int64_t *ret)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL);

	if (!code)
		code = store__number(statement, ret);
	sqlite3_finalize(statement);
	return code;
}

/* ":memory:", "file:..." and the like are names of files too. */
static char *file_name(const char *path)
{
	return *path == '/' ? xstrdup(path) : xasprintf("./%s", path);
}

static int open_database(struct store *s, int flags)
{
	_cleanup_(util__freep) char *name = file_name(s->path);
	int code = sqlite3_open_v2(name, &s->db, flags | SQLITE_OPEN_NOMUTEX, NULL);

	if (!code)
		code = sqlite3_busy_timeout(s->db, BUSY_MS);
	return code;
}

static int make_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int make_tables(struct store *s)
{
	int code = SQLITE_OK;

	for (const struct store_statement *o = store_others; o->name && !code; o++)
		if (store_schema__has(o, STORE_VERSION))
			code = sqlite3_exec(s->db, o->sql, NULL, NULL, NULL);
	for (int i = 0; i < STORE_TABLES && !code; i++) {
		_cleanup_(util__freep) char *table = store_schema__table(i, STORE_VERSION);
		_cleanup_(util__freep) char *view = store_schema__view(i);

		code = table && view ? sqlite3_exec(s->db, table, NULL, NULL, NULL) : SQLITE_NOMEM;
		if (!code)
			code = sqlite3_exec(s->db, view, NULL, NULL, NULL);
	}
	return code;
}

/* A file that is being made: how it is written, and its empty tables. */
static int make_database(struct store *s)
{
	uint64_t wal = WAL_BYTES;
	char sql[512];
	int code;

	if (s->limits.bytes)
		wal = MIN(wal, s->limits.bytes / 4);
	/* what is deleted makes room: to give it back or to overwrite it would only cost CPU */
	snprintf(sql, sizeof(sql),
		 "PRAGMA page_size = %d; PRAGMA auto_vacuum = NONE; PRAGMA secure_delete = OFF;"
		 "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
		 "PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = %d;"
		 "PRAGMA journal_size_limit = %d; BEGIN IMMEDIATE;"
		 "PRAGMA application_id = %d; PRAGMA user_version = %d;",
		 STORE_PAGE_BYTES, (int)(wal / STORE_PAGE_BYTES), (int)(2 * wal),
		 STORE_APPLICATION_ID, STORE_VERSION);
	code = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
	if (!code)
		code = make_tables(s);
	if (!code)
		code = sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
	return code;
}

int store__create(const char *path, const struct store_limits *limits, struct store **ret,
		  char error[STORE_ERROR])
{
	struct store *s = xcalloc(1, sizeof(*s));
	int code, err;

	s->path = xstrdup(path);
	s->limits = *limits;
	s->last = -1;
	err = *path ? make_file(path) : -ENOENT;
	if (err) {
		store__say(s, err, err == -EEXIST ? "it is there already" : strerror(-err), error);
		store__close(s);
		return err;
	}
	s->created = true;
	code = open_database(s, SQLITE_OPEN_READWRITE);
	if (!code)
		code = make_database(s);
	if (!code)
		code = store_write__prepare(s);
	if (code) {
		err = store__failed(s, code, error);
		store__close(s);
		return err;
	}
	*ret = s;
	return 0;
}

/* Nothing in a foreign file is executed, and no length in it is believed. */
static int guard(struct store *s)
{
	static const struct {
		int verb, value;
	} settings[] = {
		{ SQLITE_DBCONFIG_DEFENSIVE, 1 },
		{ SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
		{ SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
		{ SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 },
	};
	int code = SQLITE_OK;

	for (size_t i = 0; i < ARRAY_SIZE(settings) && !code; i++)
		code = sqlite3_db_config(s->db, settings[i].verb, settings[i].value, NULL);
	sqlite3_limit(s->db, SQLITE_LIMIT_LENGTH, LENGTH_MAX);
	sqlite3_limit(s->db, SQLITE_LIMIT_SQL_LENGTH, LENGTH_MAX);
	sqlite3_limit(s->db, SQLITE_LIMIT_ATTACHED, 0);
	if (!code)
		code = sqlite3_exec(s->db,
				    "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;"
				    "PRAGMA temp_store = MEMORY;",
				    NULL, NULL, NULL);
	return code;
}

/* A table as we make it: with no other columns, keys, or SQL of other people's. */
static int check_table(struct store *s, const char *name, const char *sql, bool *same)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(
		s->db, "SELECT count(*) FROM sqlite_schema WHERE name = ? AND sql = ?", -1,
		&statement, NULL);
	int64_t n = 0;

	if (!code)
		code = sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
	if (!code)
		code = sqlite3_bind_text(statement, 2, sql, -1, SQLITE_STATIC);
	if (!code)
		code = store__number(statement, &n);
	sqlite3_finalize(statement);
	*same = *same && n == 1;
	return code;
}

static int check_tables(struct store *s, char error[STORE_ERROR])
{
	bool same = true;
	int code = SQLITE_OK;

	for (const struct store_statement *o = store_others; o->name && !code; o++)
		if (store_schema__has(o, s->version))
			code = check_table(s, o->name, o->sql, &same);
	for (int i = 0; i < STORE_TABLES && !code; i++) {
		_cleanup_(util__freep) char *table = store_schema__table(i, s->version);

		if (store_tables[i].since > s->version)
			continue;
		code = table ? check_table(s, store_tables[i].name, table, &same) : SQLITE_NOMEM;
	}
	if (code)
		return store__failed(s, code, error);
	return same ? 0 : store__damaged(s, "its tables are not those of a recording", error);
}

static int check_version(struct store *s, char error[STORE_ERROR])
{
	int64_t application = 0, version = 0;
	int code = ask(s, "PRAGMA application_id", &application);
	char text[128];

	if (!code)
		code = ask(s, "PRAGMA user_version", &version);
	if (code)
		return store__failed(s, code, error);
	if (application != STORE_APPLICATION_ID)
		return store__say(s, -EINVAL, "it is not a recording", error);
	s->version = version;
	if (version >= 1 && version <= STORE_VERSION)
		return 0;
	snprintf(text, sizeof(text),
		 version > STORE_VERSION
			 ? "a newer locktop recorded it (format %lld, this one reads up to %d)"
			 : "its format (%lld) is not known; this locktop reads 1 to %d",
		 (long long)version, STORE_VERSION);
	return store__say(s, -ENOTSUP, text, error);
}

/* SQLite would wait for a pipe's other end, and make what is not there. */
static int check_file(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	return access(path, R_OK) ? -errno : 0;
}

static int open_and_check(struct store *s, char error[STORE_ERROR])
{
	int err = check_file(s->path);
	int code;

	if (err)
		return store__say(s, err, err == -EINVAL ? "it is not a recording" : strerror(-err),
				  error);
	code = open_database(s, SQLITE_OPEN_READONLY);
	if (!code)
		code = guard(s);
	if (code)
		return store__failed(s, code, error);
	err = check_version(s, error);
	if (!err)
		err = check_tables(s, error);
	if (err)
		return err;
	code = store_read__prepare(s);
	return code ? store__failed(s, code, error) : 0;
}

int store__open(const char *path, struct store **ret, char error[STORE_ERROR])
{
	struct store *s = xcalloc(1, sizeof(*s));
	int err;

	s->path = xstrdup(path);
	err = open_and_check(s, error);
	if (err) {
		store__close(s);
		return err;
	}
	*ret = s;
	return 0;
}

static void remove_all(const char *path)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		_cleanup_(util__freep) char *name = xasprintf("%s%s", path, suffixes[i]);

		unlink(name);
	}
}

void store__close(struct store *s)
{
	if (!s)
		return;
	for (int i = 0; i < STORE_TABLES; i++)
		sqlite3_finalize(s->rows[i]);
	store_write__done(s);
	store_read__done(s);
	/* one file that can be copied, and read where nothing can be written */
	if (s->db && s->created && s->first <= s->last)
		sqlite3_exec(s->db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
	sqlite3_close(s->db);
	if (s->created && s->first > s->last)
		remove_all(s->path);
	free(s->path);
	free(s);
}
