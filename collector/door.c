/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loads the door and takes over the maps of an earlier one. It attaches nothing and logs nothing:
 * what libbpf has to say comes back as words.
 */
#include "collector/door.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "collector/door_error.h"
#include "collector/door_private.h"
#include "collector/door_table.h"

/* The maps that an earlier door hands over; of these the first two are its history. */
static const char *const kept_names[] = {"vtap_clients", "vtap_totals", "vtap_rejected",
					 "vtap_settled", "vtap_cutter"};
enum { PROG_MAPS_MAX = 16 };

/* ---- opening ---- */

/* Descriptors of the maps of program `id`, to be closed by the caller. Needs CAP_SYS_ADMIN; without
 * it there are none. */
static void program_maps(uint32_t id, int fds[KEPT])
{
	uint32_t ids[PROG_MAPS_MAX] = {0}, size;
	struct bpf_prog_info info = {.nr_map_ids = PROG_MAPS_MAX, .map_ids = (uintptr_t)ids};
	int prog = id ? bpf_prog_get_fd_by_id(id) : -1;

	size = sizeof(info);
	if (prog < 0 || bpf_obj_get_info_by_fd(prog, &info, &size))
		info.nr_map_ids = 0;
	for (uint32_t i = 0; i < info.nr_map_ids && i < PROG_MAPS_MAX; i++) {
		struct bpf_map_info map = {0};
		int fd = bpf_map_get_fd_by_id(ids[i]);

		size = sizeof(map);
		if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &map, &size)) {
			for (size_t k = 0; k < KEPT && fd >= 0; k++) {
				if (fds[k] < 0 && strcmp(map.name, kept_names[k]) == 0) {
					fds[k] = fd;
					fd = -1;
				}
			}
		}
		if (fd >= 0)
			close(fd);
	}
	if (prog >= 0)
		close(prog);
}

enum fit { FITS, OTHER_SIZE, OTHER_LAYOUT };

static enum fit map_fit(const struct bpf_map *map, int fd)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
		return OTHER_LAYOUT;
	if (info.type != bpf_map__type(map) || info.key_size != bpf_map__key_size(map) ||
	    info.value_size != bpf_map__value_size(map) ||
	    info.map_flags != bpf_map__map_flags(map))
		return OTHER_LAYOUT;
	return info.max_entries == bpf_map__max_entries(map) ? FITS : OTHER_SIZE;
}

/* The table of an earlier door: its places were chosen by its secret. `full`: too many are in it.
 */
static int old_table(int fd, uint32_t max_clients, uint64_t *secret, bool *full)
{
	struct door_table table;
	int error = door_table_open(&table, fd);

	if (error)
		return error;
	if (table.head->secret)
		*secret = table.head->secret;
	*full = table.head->clients > max_clients;
	door_table_close(&table);
	return 0;
}

/* Takes over the maps that fit. */
static int reuse(struct door *door, const struct collector_config *config, const int fds[KEPT],
		 enum fit fit[KEPT])
{
	uint64_t secret = door->skel->rodata->vtap_secret;
	bool full = false;
	int error = 0;

	for (size_t k = 0; k < KEPT; k++)
		fit[k] = map_fit(door->kept[k], fds[k]);
	if (fit[CLIENTS] == FITS)
		error = old_table(fds[CLIENTS], config->max_clients, &secret, &full);
	if (full)
		fit[CLIENTS] = OTHER_SIZE;
	door->skel->rodata->vtap_secret = secret;
	for (size_t k = 0; !error && k < KEPT; k++)
		/* what was found undelivered belongs to the totals it came from */
		if (fit[k] == FITS && (k != SETTLED || fit[TOTALS] == FITS))
			error = bpf_map__reuse_fd(door->kept[k], fds[k]);
	return error;
}

/* The table of another size stays open: the program that has it still runs. */
static int copy_table(struct door *door, const struct collector_config *config, int fd)
{
	int error = door_table_open(&door->before, fd);

	return error ? error : door_table_copy(&door->before, &door->table, config);
}

/* Loads with the maps that fit. */
static int load(struct door *door, const struct collector_config *config, const int fds[KEPT],
		enum fit fit[KEPT])
{
	int error = reuse(door, config, fds, fit);

	if (!error)
		error = door_bpf__load(door->skel);
	if (!error)
		error = door_table_open(&door->table, bpf_map__fd(door->kept[CLIENTS]));
	if (error)
		return error;
	door_table_prepare(&door->table, door->skel->rodata->vtap_secret);
	/* so that the next daemon finds it by the program, which itself never looks at it */
	return bpf_prog_bind_map(door_prog_fd(door), bpf_map__fd(door->kept[SETTLED]), NULL);
}

static int program_id(int fd, uint32_t *id)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);
	int error = bpf_obj_get_info_by_fd(fd, &info, &size);

	*id = info.id;
	return error;
}

/* The first door chooses how what it sends to be cut is known again. */
static int mark_cutter(struct door *door)
{
	const int fd = bpf_map__fd(door->kept[CUTTER]);
	struct door_cutter cutter = {0};
	uint32_t zero = 0;
	int error = bpf_map_lookup_elem(fd, &zero, &cutter);

	if (error || cutter.secret)
		return error;
	if (getrandom(&cutter.secret, sizeof(cutter.secret), GRND_NONBLOCK) < 0)
		return -errno;
	cutter.secret |= 1; /* zero: none */
	return bpf_map_update_elem(fd, &zero, &cutter, BPF_ANY);
}

static int open_new(struct door *door, const struct collector_config *config, const int fds[KEPT],
		    bool *lost)
{
	int cpus = libbpf_num_possible_cpus(), error;
	enum fit fit[KEPT];
	uint64_t secret = 0;

	if (cpus < 0)
		return cpus;
	if (!door_error_permitted())
		return -EPERM;
	door->cpus = (size_t)cpus;
	door->skel = door_bpf__open();
	if (!door->skel)
		return -errno;
	for (size_t k = 0; k < KEPT; k++)
		door->kept[k] = bpf_object__find_map_by_name(door->skel->obj, kept_names[k]);
	/* without randomness it works as well, it is only easier to disturb */
	(void)!getrandom(&secret, sizeof(secret), GRND_NONBLOCK);
	door->skel->rodata->vtap_secret = secret;
	door->skel->rodata->vtap_max_clients = config->max_clients;
	door->skel->rodata->vtap_buckets = door_buckets(config->max_clients);
	error = bpf_map__set_max_entries(door->kept[CLIENTS], 1 + door->skel->rodata->vtap_buckets);
	if (!error)
		error = load(door, config, fds, fit);
	if (!error)
		error = program_id(door_prog_fd(door), &door->prog_id);
	if (!error)
		error = program_id(door_seal_fd(door, ENCAP_VXLAN), &door->seal_id);
	if (!error)
		error = program_id(door_seal_fd(door, ENCAP_GRE), &door->seal_bare_id);
	if (!error)
		error = program_id(door_cut_end_fd(door), &door->cut_end_id);
	if (!error)
		error = mark_cutter(door);
	if (!error)
		error = door_configure(door, config);
	if (error)
		return error;
	*lost = fit[CLIENTS] == OTHER_LAYOUT || fit[TOTALS] != FITS;
	if (fit[CLIENTS] != OTHER_SIZE)
		return 0;
	/* takes the counts out of the table before: nothing may fail from here on */
	error = copy_table(door, config, fds[CLIENTS]);
	door->crowded = error == -E2BIG;
	return door->crowded ? 0 : error;
}

int door_open(const struct collector_config *config, const struct door_kept *kept,
	      size_t kept_count, uint32_t old_prog_id, struct door **out, bool *history_lost,
	      char *why, size_t why_size)
{
	struct door *door = calloc(1, sizeof(*door));
	int fds[KEPT], own[KEPT];
	bool whole = true, lost = false;
	struct door_error words;
	int error;

	*out = NULL;
	*history_lost = false;
	door_error_begin(&words, why, why_size);
	for (size_t k = 0; k < KEPT; k++)
		fds[k] = own[k] = -1;
	for (size_t i = 0; i < kept_count; i++)
		for (size_t k = 0; k < KEPT; k++)
			if (strcmp(kept[i].name, kept_names[k]) == 0)
				fds[k] = kept[i].fd;
	for (size_t k = 0; k < KEPT; k++)
		whole = whole && fds[k] >= 0;
	if (!whole)
		program_maps(old_prog_id, own);
	for (size_t k = 0; k < KEPT; k++)
		if (fds[k] < 0)
			fds[k] = own[k];
	error = door ? open_new(door, config, fds, &lost) : -ENOMEM;
	for (size_t k = 0; k < KEPT; k++)
		if (own[k] >= 0)
			close(own[k]);
	door_error_end(&words, error);
	if (error) {
		door_close(door);
		return error;
	}
	*out = door;
	*history_lost = lost && (kept_count || old_prog_id);
	return 0;
}

void door_close(struct door *door)
{
	if (!door)
		return;
	door_table_close(&door->before);
	door_table_close(&door->table);
	door_bpf__destroy(door->skel);
	free(door);
}

bool door_crowded(const struct door *door)
{
	return door->crowded;
}

int door_prog_fd(const struct door *door)
{
	return bpf_program__fd(door->skel->progs.vtap_door);
}

uint32_t door_prog_id(const struct door *door)
{
	return door->prog_id;
}

int door_seal_fd(const struct door *door, enum encap encap)
{
	return bpf_program__fd(encap_keeps_ethernet(encap) ? door->skel->progs.vtap_seal
							   : door->skel->progs.vtap_seal_bare);
}

uint32_t door_seal_id(const struct door *door, enum encap encap)
{
	return encap_keeps_ethernet(encap) ? door->seal_id : door->seal_bare_id;
}

int door_cut_end_fd(const struct door *door)
{
	return bpf_program__fd(door->skel->progs.vtap_cut_end);
}

uint32_t door_cut_end_id(const struct door *door)
{
	return door->cut_end_id;
}

int door_set_cutter(struct door *door, int ifindex)
{
	const int fd = bpf_map__fd(door->kept[CUTTER]);
	struct door_cutter cutter = {0};
	uint32_t zero = 0;
	int error = bpf_map_lookup_elem(fd, &zero, &cutter);

	if (error || cutter.ifindex == (uint32_t)ifindex)
		return error;
	cutter.ifindex = (uint32_t)ifindex;
	return bpf_map_update_elem(fd, &zero, &cutter, BPF_ANY);
}

size_t door_maps(const struct door *door, struct door_kept *out, size_t max)
{
	for (size_t k = 0; k < KEPT && k < max; k++)
		out[k] =
		    (struct door_kept){.name = kept_names[k], .fd = bpf_map__fd(door->kept[k])};
	return KEPT;
}
