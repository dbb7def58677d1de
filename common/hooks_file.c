/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/hooks_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"
#include "common/hooks.h"
#include "common/instance.h"
#include "common/log.h"

enum { FILE_PATH = 160 };

static void path_of(char path[FILE_PATH])
{
	instance_file("hooks", path, FILE_PATH);
}

int hooks_file_restore(struct hooks_file *file, struct ifset *made)
{
	char path[FILE_PATH];

	path_of(path);
	hooks_file_clear(file);
	file->text = file_read(path);
	return file->text ? hooks_read(made, file->text) : 0;
}

void hooks_file_save(struct hooks_file *file, const struct ifset *made)
{
	char path[FILE_PATH];
	char *text = hooks_text(made);

	if (text && file->text && strcmp(text, file->text) == 0) {
		free(text);
		return;
	}
	path_of(path);
	int error = text ? file_replace(path, text) : -ENOMEM;
	if (error)
		log_warning("%s: %s", path, strerror(-error));
	hooks_file_clear(file);
	if (error)
		free(text);
	else
		file->text = text;
}

void hooks_file_remove(struct hooks_file *file)
{
	char path[FILE_PATH];

	path_of(path);
	unlink(path);
	hooks_file_clear(file);
}

void hooks_file_clear(struct hooks_file *file)
{
	free(file->text);
	file->text = NULL;
}
