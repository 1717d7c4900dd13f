/* SPDX-License-Identifier: MIT */
#include "daemon/high_job.h"

#include "util/io.h"
#include "util/units.h"

typedef struct HighJob {
    Job job;
    Cgroup *cgroup;
    bool writes;
    ReclaimScope scope;
    HighDone out;
    high_done_t told;
} HighJob;

/* A shortfall is no error, and neither is a kernel without memory.reclaim: the sample tells. */
static void run(Job *job)
{
    HighJob *h = (HighJob *)job;
    Sample before;
    bool compares = !h->writes && cgroup_sample(h->cgroup, now_usec(), &before) >= 0;

    if (h->writes) {
        h->out.error = cgroup_write_high(h->cgroup, h->out.wanted);
        if (h->out.error < 0)
            return;
    } else {
        h->out.answer = cgroup_reclaim(h->cgroup, min_u64(h->out.wanted, HIGH_RECLAIM_CHUNK),
                                       h->scope);
        h->out.exhausted = h->out.answer < 0;
    }
    h->out.error = cgroup_sample(h->cgroup, now_usec(), &h->out.sample);
    if (compares && h->out.error >= 0)
        h->out.taken = mul_u64(sub_u64(h->out.sample.pgsteal, before.pgsteal), before.page);
}

static void done(Job *job, void *owner)
{
    HighJob *h = (HighJob *)job;

    h->told(&h->out, owner);
}

static void destroy(Job *job)
{
    HighJob *h = (HighJob *)job;

    cgroup_free(h->cgroup);
    free(h);
}

static Job *submit(const Host *host, Jobs *jobs, const char *path, HighJob values)
{
    HighJob *h = malloc(sizeof(HighJob));

    if (!h)
        return NULL;
    *h = values;
    h->job.run = run;
    h->job.done = done;
    h->job.destroy = destroy;
    if (host->cgroup_fd < 0 || cgroup_open(host->cgroup_fd, path, &h->cgroup) < 0) {
        free(h);
        return NULL;
    }
    jobs_submit(jobs, &h->job);
    return &h->job;
}

Job *high_reclaim(const Host *host, const char *path, uint64_t bytes, ReclaimScope scope,
                  high_done_t told, void *userdata)
{
    return submit(host, host->reclaim_jobs, path,
                  (HighJob){
                      .job.owner = userdata,
                      .scope = scope,
                      .out.wanted = bytes,
                      .told = told,
                  });
}

static Job *submit_write(const Host *host, Jobs *jobs, const char *path, uint64_t bytes,
                         high_done_t told, void *userdata)
{
    return submit(host, jobs, path,
                  (HighJob){
                      .job.owner = userdata,
                      .writes = true,
                      .out.wanted = bytes,
                      .told = told,
                  });
}

Job *high_write(const Host *host, const char *path, uint64_t bytes, high_done_t told,
                void *userdata)
{
    return submit_write(host, host->reclaim_jobs, path, bytes, told, userdata);
}

Job *high_write_back(const Host *host, const char *path, uint64_t bytes, high_done_t told,
                     void *userdata)
{
    return submit_write(host, host->back_jobs, path, bytes, told, userdata);
}
