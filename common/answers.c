/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/answers.h"

#include <stdlib.h>
#include <string.h>

static const char out_of_memory[] = "{\"error\": \"out of memory\"}\n";

void answers_init(struct answers *answers)
{
	TAILQ_INIT(&answers->list);
	answers->size = 0;
}

struct answer *answers_make(struct answers *answers, char *text, uint64_t now_ms)
{
	struct answer *answer = calloc(1, sizeof(*answer));
	size_t size = text != NULL ? strlen(text) : 0;
	char *line = text != NULL ? realloc(text, size + 2) : NULL;

	if (line != NULL) {
		memcpy(line + size, "\n", 2);
		size++;
	} else {
		free(text);
		line = strdup(out_of_memory);
		size = sizeof(out_of_memory) - 1;
	}
	if (answer == NULL || line == NULL) {
		free(line);
		free(answer);
		return NULL;
	}
	answer->text = line;
	answer->size = size;
	answer->readers = 1;
	answer->made_ms = now_ms;
	TAILQ_INSERT_TAIL(&answers->list, answer, entry);
	answers->size += size;
	return answer;
}

void answers_release(struct answers *answers, struct answer *answer)
{
	if (--answer->readers)
		return;
	TAILQ_REMOVE(&answers->list, answer, entry);
	answers->size -= answer->size;
	free(answer->text);
	free(answer);
}

struct answer *answers_in_the_way(const struct answers *answers)
{
	return answers->size > ANSWERS_SIZE_MAX ? TAILQ_FIRST(&answers->list) : NULL;
}
