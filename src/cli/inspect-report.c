/* SPDX-License-Identifier: MIT */
/* A list of files as they were found, a sum over the different ones among them, and the two ways to
 * show it. The kernel counts in pages, files end within one: a file of 5 bytes has 4096 bytes in
 * memory, and still no more than 100 % of it. */
#include "cli/inspect-report.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "cli/inode-set.h"
#include "cli/json.h"
#include "cli/rows.h"
#include "cli/text.h"
#include "util/units.h"

int inspect_report_add(InspectReport *report, const char *path, const CensusFile *file)
{
    if (report->n_files == report->n_allocated) {
        size_t n = report->n_allocated ? report->n_allocated * 2 : 64;
        InspectFile *grown = reallocarray(report->files, n, sizeof *grown);
        if (!grown)
            return -ENOMEM;
        report->files = grown;
        report->n_allocated = n;
    }

    const char *copy = pool_strdup(&report->paths, path);
    if (!copy)
        return -ENOMEM;
    report->files[report->n_files++] = (InspectFile){
        .path = copy,
        .dev = file->dev,
        .ino = file->ino,
        .size = file->size,
        .residency = file->residency,
    };
    return 0;
}

void inspect_report_set_map(InspectReport *report, FileMap *map)
{
    InspectFile *file = &report->files[report->n_files - 1];

    file->map = TAKE(*map, (FileMap){ 0 });
    file->has_map = true;
}

static void total_add(InspectTotal *total, const InspectFile *file)
{
    const Residency *residency = &file->residency;
    Residency *sum = &total->sum;

    total->files++;
    total->size += file->size;
    total->covered += min_u64(residency->resident, file->size);
    total->unknown += !residency->has_resident;
    sum->resident += residency->resident;
    sum->dirty += residency->dirty;
    sum->writeback += residency->writeback;
    sum->evicted += residency->evicted;
    sum->recently_evicted += residency->recently_evicted;
    sum->has_resident |= residency->has_resident;
    sum->has_counters |= residency->has_counters;
}

int inspect_report_total(const InspectReport *report, InspectTotal *ret)
{
    cleanup(inode_set_clear) InodeSet met = { 0 };
    InspectTotal total = { 0 };

    for (size_t i = 0; i < report->n_files; i++) {
        const InspectFile *file = &report->files[i];
        int r = inode_set_add(&met, file->dev, file->ino);
        if (r < 0)
            return r;
        if (r > 0)
            total_add(&total, file);
    }
    if (total.files == 0)
        total.sum.has_resident = total.sum.has_counters = true;
    *ret = total;
    return 0;
}

static struct json_object *ranges_to_json(const FileMap *map)
{
    cleanup(json_object_putp) struct json_object *ranges = json_object_new_array();

    for (size_t i = 0; i < map->n_ranges; i++) {
        cleanup(json_object_putp) struct json_object *range = json_object_new_object();
        if (!ranges || !range ||
            json_add_number(range, "offset", true, map->ranges[i].offset) < 0 ||
            json_add_number(range, "length", true, map->ranges[i].length) < 0 ||
            json_append(ranges, TAKE_PTR(range)) < 0)
            return NULL;
    }
    return TAKE_PTR(ranges);
}

/* @ranges is null where the kernel does not tell. */
static int add_ranges(struct json_object *object, const InspectFile *file)
{
    if (!file->has_map)
        return json_add_text(object, "ranges", NULL);
    return json_add(object, "ranges", ranges_to_json(&file->map));
}

static struct json_object *file_to_json(const InspectReport *report, const InspectFile *file)
{
    cleanup(json_object_putp) struct json_object *object = json_object_new_object();
    const Residency *known = &file->residency;

    if (!object || json_add_text(object, "path", file->path) < 0 ||
        json_add_number(object, "size", true, file->size) < 0 ||
        json_add_number(object, "resident", known->has_resident, known->resident) < 0 ||
        json_add_number(object, "dirty", known->has_counters, known->dirty) < 0 ||
        json_add_number(object, "writeback", known->has_counters, known->writeback) < 0 ||
        json_add_number(object, "evicted", known->has_counters, known->evicted) < 0 ||
        json_add_number(object, "recently_evicted", known->has_counters, known->recently_evicted) <
            0 ||
        (report->maps && add_ranges(object, file) < 0))
        return NULL;
    return TAKE_PTR(object);
}

static struct json_object *total_to_json(const InspectTotal *total)
{
    cleanup(json_object_putp) struct json_object *object = json_object_new_object();
    const Residency *sum = &total->sum;

    if (!object || json_add_number(object, "files", true, total->files) < 0 ||
        json_add_number(object, "size", true, total->size) < 0 ||
        json_add_number(object, "resident", sum->has_resident, sum->resident) < 0 ||
        json_add_number(object, "dirty", sum->has_counters, sum->dirty) < 0 ||
        json_add_number(object, "unknown", true, total->unknown) < 0)
        return NULL;
    return TAKE_PTR(object);
}

static int render_json(const InspectReport *report, const InspectTotal *total, FILE *out,
                       JsonMode mode)
{
    JsonList list;
    int r = 0;

    json_list_begin(&list, out, mode, "files");
    for (size_t i = 0; i < report->n_files && r >= 0; i++)
        r = json_list_add(&list, file_to_json(report, &report->files[i]));
    return r < 0 ? r : json_list_end(&list, "total", total_to_json(total));
}

/* One row: of a file, or of all. */
typedef struct Row {
    const char *path;
    uint64_t size;
    uint64_t covered;
    const Residency *residency;
} Row;

static int add_row(Rows *rows, const Row *row, const OutputOptions *options)
{
    const Residency *r = row->residency;
    const char *none = options->unicode ? "–" : "-";
    char size[FORMAT_SIZE_MAX], resident[FORMAT_SIZE_MAX], share[SHARE_TEXT_MAX];
    char dirty[FORMAT_SIZE_MAX], writeback[FORMAT_SIZE_MAX];
    char evicted[FORMAT_SIZE_MAX], recently[FORMAT_SIZE_MAX];
    bool b = options->bytes, has = r->has_counters;
    CLEANUP_FREE char *path = escape_text(row->path, options->unicode);
    if (!path)
        return -ENOMEM;

    const char *const cells[] = {
        format_bytes(size, row->size, b),
        r->has_resident ? format_bytes(resident, r->resident, b) : none,
        r->has_resident ? format_share(share, row->covered, row->size, options->unicode) : none,
        has ? format_bytes(dirty, r->dirty, b) : none,
        has ? format_bytes(writeback, r->writeback, b) : none,
        has ? format_bytes(evicted, r->evicted, b) : none,
        has ? format_bytes(recently, r->recently_evicted, b) : none,
        path,
    };
    return rows_add(rows, cells);
}

static int add_total(Rows *rows, const InspectTotal *total, const OutputOptions *options)
{
    CLEANUP_FREE char *label = NULL;

    if (asprintf(&label, "total (%ju file%s)", (uintmax_t)total->files, plural(total->files)) < 0) {
        label = NULL;
        return -ENOMEM;
    }
    return add_row(rows, &(Row){ label, total->size, total->covered, &total->sum }, options);
}

static int add_map_row(Rows *rows, const InspectReport *report, const InspectFile *file,
                       const OutputOptions *options)
{
    const char *none = options->unicode ? "–" : "-";
    char size[FORMAT_SIZE_MAX], resident[FORMAT_SIZE_MAX], drawing[MAP_TEXT_MAX] = "";
    const Residency *residency = &file->residency;
    CLEANUP_FREE char *path = escape_text(file->path, options->unicode);
    if (!path)
        return -ENOMEM;

    if (file->has_map)
        file_map_draw(drawing, &file->map, file->size, (uint64_t)sysconf(_SC_PAGESIZE),
                      options->unicode && !report->ascii);
    const char *const cells[] = {
        format_bytes(size, file->size, options->bytes),
        residency->has_resident ? format_bytes(resident, residency->resident, options->bytes)
                                : none,
        drawing,
        path,
    };
    return rows_add(rows, cells);
}

static int render_maps(const InspectReport *report, FILE *out, const OutputOptions *options)
{
    static const char *const names[] = { "SIZE", "RESIDENT", "MAP", "PATH" };
    cleanup(rows_clear) Rows rows = { .n_columns = ELEMENTS(names) };
    int r = 0;

    if (options->legend && report->n_files > 0)
        r = rows_add(&rows, names);
    for (size_t i = 0; i < report->n_files && r >= 0; i++)
        r = add_map_row(&rows, report, &report->files[i], options);
    return r < 0 ? r : rows_print(&rows, out);
}

static int render_table(const InspectReport *report, const InspectTotal *total, FILE *out,
                        const OutputOptions *options)
{
    static const char *const names[] = { "SIZE",      "RESIDENT", "SHARE",    "DIRTY",
                                         "WRITEBACK", "EVICTED",  "RECENTLY", "PATH" };
    cleanup(rows_clear) Rows rows = { .n_columns = ELEMENTS(names) };
    int r = 0;

    if (report->n_files == 0)
        return 0;
    if (options->legend)
        r = rows_add(&rows, names);
    for (size_t i = 0; i < report->n_files && r >= 0; i++) {
        const InspectFile *file = report->files + i;
        Row row = { file->path, file->size, min_u64(file->residency.resident, file->size),
                    &file->residency };
        r = add_row(&rows, &row, options);
    }
    if (r >= 0 && options->legend)
        r = add_total(&rows, total, options);
    return r < 0 ? r : rows_print(&rows, out);
}

int inspect_report_render(const InspectReport *report, FILE *out, const OutputOptions *options)
{
    InspectTotal total;

    int r = inspect_report_total(report, &total);
    if (r < 0)
        return r;
    if (options->json != JSON_OFF)
        return render_json(report, &total, out, options->json);
    if (report->maps)
        return render_maps(report, out, options);
    return render_table(report, &total, out, options);
}

void inspect_report_clear(InspectReport *report)
{
    for (size_t i = 0; i < report->n_files; i++)
        file_map_clear(&report->files[i].map);
    free(report->files);
    pool_clear(&report->paths);
    *report = (InspectReport){ 0 };
}
