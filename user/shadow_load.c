/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>

#include "candidate.h"
#include "cleanup.h"
#include "counters.h"
#include "settle.h"
#include "shadow_load.h"

struct shadow_job {
	struct kernel kernel;
	struct candidate candidate;
};

static void load_free(struct shadow_job *load)
{
	candidate_free(&load->candidate);
	kernel_close(&load->kernel);
}

static int open_running(struct shadow_job *load, const struct common *common)
{
	int history, err = settle_open(common, &load->kernel, &history);

	if (err == -ENOENT) {
		fprintf(stderr,
			"rolewall: nothing is loaded at %s that a shadow could be held against; \"rolewall apply\" loads a site\n",
			common->pin_dir);
		kernel_unload(&load->kernel);
	}
	return err ? err : counters_registries(&load->kernel, &load->candidate.registries);
}

/* The candidate has to do with the slots and the programs that are there. */
static int check_room(const struct shadow_job *load)
{
	const struct kernel *kernel = &load->kernel;
	size_t needs = load->candidate.image.count, room = kernel->pages;

	if (kernel_slots(kernel->pages) < IMAGE_SLOTS ||
	    kernel_slots(kernel_room(needs)) < IMAGE_SLOTS) {
		fprintf(stderr,
			"rolewall: no shadow with images above 64 MiB: there is room for two of them (the candidate's has %zu KiB, a slot %zu KiB)\n",
			needs, room);
		return -E2BIG;
	}
	if (needs > room) {
		fprintf(stderr,
			"rolewall: the candidate's image has %zu KiB, the slots of the programs that run have %zu KiB: it can be applied, which loads them anew, but not as a shadow\n",
			needs, room);
		return -E2BIG;
	}
	if (!kernel_is_current(kernel)) {
		fprintf(stderr,
			"rolewall: the programs that run are another version's: apply the running site with this one first\n");
		return -ESTALE;
	}
	return 0;
}

static int make_image(struct shadow_job *load, struct diagnostics *diags)
{
	int err = candidate_compile(&load->candidate, diags);

	return err ? err : check_room(load);
}

/* Interfaces that the candidate does not name are judged as side `any`. */
static int set_sides(const struct shadow_job *load)
{
	const struct site *site = load->candidate.policy->site;
	__u32 slot = load->candidate.slot;
	struct attachment *list = NULL;
	size_t count = 0;
	int err = kernel_attachments(&load->kernel, &list, &count);

	for (size_t i = 0; i < count && !err; i++)
		if (list[i].ifindex && !list[i].away)
			err = kernel_set_side(&load->kernel, list[i].ifindex, slot, SIDE_ANY);
	for (size_t i = 0; i < site->n_interfaces && !err; i++) {
		unsigned int ifindex = if_nametoindex(site->interfaces[i].name);

		if (ifindex && ifindex < IFINDEX_MAX)
			err = kernel_set_side(&load->kernel, ifindex, slot,
					      site->interfaces[i].side);
	}
	free(list);
	return err;
}

static int write_candidate(struct shadow_job *load)
{
	int err = candidate_choose_slot(&load->candidate, &load->kernel);

	if (!err)
		err = set_sides(load);
	return err ? err : candidate_write(&load->candidate, &load->kernel);
}

int shadow_load(const struct common *common, const struct policy *policy,
		struct shadow_loaded *loaded, struct diagnostics *diags)
{
	_cleanup_(load_free) struct shadow_job load = {.kernel = KERNEL_CLOSED,
						       .candidate.policy = policy};
	struct kernel *kernel = &load.kernel;
	int err = open_running(&load, common);

	*loaded = (struct shadow_loaded){0};
	if (!err)
		err = make_image(&load, diags);
	if (err)
		return err;
	loaded->pages = load.candidate.image.count;
	err = generation_next(generation_newest(kernel), &loaded->generation);
	if (err)
		return err;
	image_number(&load.candidate.image, loaded->generation);
	err = write_candidate(&load);
	loaded->probes = load.candidate.probes;
	if (!err)
		err = kernel_start_shadow(kernel, load.candidate.slot);
	if (!err)
		common_changed(common);
	return err;
}

int shadow_drop(const struct common *common)
{
	_cleanup_(load_free) struct shadow_job load = {.kernel = KERNEL_CLOSED};
	int err = open_running(&load, common);

	if (!err && !kernel_has_shadow(&load.kernel)) {
		fprintf(stderr, "rolewall: no shadow is loaded\n");
		err = -ENOENT;
	}
	if (!err)
		err = kernel_end_shadow(&load.kernel);
	if (!err)
		common_changed(common);
	return err;
}

int shadow_is_of(const struct common *common, const struct policy *policy,
		 struct diagnostics *diags)
{
	_cleanup_(load_free) struct shadow_job load = {.kernel = KERNEL_CLOSED,
						       .candidate.policy = policy};
	const struct pages *image = &load.candidate.image;
	struct image_page header;
	int err = open_running(&load, common);

	if (!err && !kernel_has_shadow(&load.kernel)) {
		fprintf(stderr, "rolewall: no shadow is loaded\n");
		err = -ENOENT;
	}
	if (!err)
		err = make_image(&load, diags);
	if (!err)
		err = kernel_get_header(&load.kernel, load.kernel.control->shadow, &header);
	if (err || header.cell[HEADER_CHECKSUM] == image->page[0].cell[HEADER_CHECKSUM])
		return err;
	fprintf(stderr,
		"rolewall: the site or its matrix has changed since it was loaded as a shadow: \"apply --shadow\" loads it again\n");
	return -ESTALE;
}
