/* SPDX-License-Identifier: MIT */
/* A list of files as they were found, a sum over the different ones among them, and the two ways to
 * show it. The kernel counts in pages, files end within one: a file of 5 bytes has 4096 bytes in
 * memory, and still no more than 100 % of it. */
#include "cli/inspect-report.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "cli/json.h"
#include "cli/table.h"
#include "cli/text.h"
#include "util/units.h"

int inspect_report_add(InspectReport *report, const char *path, const struct stat *st,
                       const Residency *residency)
{
    if (report->n_files == report->n_allocated) {
        size_t n = report->n_allocated ? report->n_allocated * 2 : 64;
        InspectFile *grown = reallocarray(report->files, n, sizeof *grown);
        if (!grown)
            return -ENOMEM;
        report->files = grown;
        report->n_allocated = n;
    }

    char *copy = strdup(path);
    if (!copy)
        return -ENOMEM;
    report->files[report->n_files++] = (InspectFile){
        .path = copy,
        .dev = st->st_dev,
        .ino = st->st_ino,
        .size = (uint64_t)st->st_size,
        .residency = *residency,
    };
    return 0;
}

static int compare_identity(const void *a, const void *b)
{
    const InspectFile *x = *(const InspectFile *const *)a, *y = *(const InspectFile *const *)b;

    if (x->dev != y->dev)
        return x->dev < y->dev ? -1 : 1;
    if (x->ino != y->ino)
        return x->ino < y->ino ? -1 : 1;
    return x < y ? -1 : x > y;
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
    CLEANUP_FREE const InspectFile **order = calloc(report->n_files + 1, sizeof *order);
    InspectTotal total = { 0 };
    if (!order)
        return -ENOMEM;

    for (size_t i = 0; i < report->n_files; i++)
        order[i] = report->files + i;
    qsort(order, report->n_files, sizeof *order, compare_identity);
    for (size_t i = 0; i < report->n_files; i++)
        if (i == 0 || order[i]->dev != order[i - 1]->dev || order[i]->ino != order[i - 1]->ino)
            total_add(&total, order[i]);
    if (total.files == 0)
        total.sum.has_resident = total.sum.has_counters = true;
    *ret = total;
    return 0;
}

static struct json_object *file_to_json(const InspectFile *file)
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
            0)
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

static struct json_object *files_to_json(const InspectReport *report)
{
    cleanup(json_object_putp) struct json_object *files = json_object_new_array();

    for (size_t i = 0; i < report->n_files; i++)
        if (!files || json_append(files, file_to_json(&report->files[i])) < 0)
            return NULL;
    return TAKE_PTR(files);
}

static int render_json(const InspectReport *report, const InspectTotal *total, FILE *out,
                       JsonMode mode)
{
    cleanup(json_object_putp) struct json_object *root = json_object_new_object();

    if (!root || json_add(root, "files", files_to_json(report)) < 0 ||
        json_add(root, "total", total_to_json(total)) < 0)
        return -ENOMEM;
    return json_print(root, out, mode);
}

/* One row: of a file, or of all. */
typedef struct Row {
    const char *path;
    uint64_t size;
    uint64_t covered;
    const Residency *residency;
} Row;

static int add_row(struct libscols_table *table, const Row *row, const OutputOptions *options)
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
    return table_add_row(table, cells, ELEMENTS(cells));
}

static int add_total(struct libscols_table *table, const InspectTotal *total,
                     const OutputOptions *options)
{
    CLEANUP_FREE char *label = NULL;

    if (asprintf(&label, "total (%ju file%s)", (uintmax_t)total->files,
                 total->files == 1 ? "" : "s") < 0) {
        label = NULL;
        return -ENOMEM;
    }
    return add_row(table, &(Row){ label, total->size, total->covered, &total->sum }, options);
}

static int render_table(const InspectReport *report, const InspectTotal *total, FILE *out,
                        const OutputOptions *options)
{
    static const char *const numbers[] = { "SIZE",      "RESIDENT", "SHARE",   "DIRTY",
                                           "WRITEBACK", "EVICTED",  "RECENTLY" };
    cleanup(scols_unref_tablep) struct libscols_table *table = NULL;

    int r = table_new(out, options->legend, &table);
    for (size_t i = 0; i < ELEMENTS(numbers) && r >= 0; i++)
        r = table_add_column(table, numbers[i], SCOLS_FL_RIGHT);
    if (r >= 0) /* last, so that a long one moves nothing */
        r = table_add_column(table, "PATH", 0);
    for (size_t i = 0; i < report->n_files && r >= 0; i++) {
        const InspectFile *file = report->files + i;
        Row row = { file->path, file->size, min_u64(file->residency.resident, file->size),
                    &file->residency };
        r = add_row(table, &row, options);
    }
    if (r >= 0 && options->legend && report->n_files > 0)
        r = add_total(table, total, options);
    return r < 0 ? r : table_print(table);
}

int inspect_report_render(const InspectReport *report, FILE *out, const OutputOptions *options)
{
    InspectTotal total;

    int r = inspect_report_total(report, &total);
    if (r < 0)
        return r;
    if (options->json != JSON_OFF)
        return render_json(report, &total, out, options->json);
    return render_table(report, &total, out, options);
}

void inspect_report_clear(InspectReport *report)
{
    for (size_t i = 0; i < report->n_files; i++)
        free(report->files[i].path);
    free(report->files);
    *report = (InspectReport){ 0 };
}
