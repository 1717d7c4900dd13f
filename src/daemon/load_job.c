/* SPDX-License-Identifier: MIT */
#include "daemon/load_job.h"

typedef struct LoadJob {
    Job job;
    ConfigPlaces places;
    uint64_t ram;
    config_loaded_t loaded;
    Config config; /* out */
    int error;     /* out */
    bool told;
} LoadJob;

static void run(Job *job)
{
    LoadJob *lj = (LoadJob *)job;

    lj->error = config_load(&lj->places, lj->ram, &lj->config);
}

static void done(Job *job, void *owner)
{
    LoadJob *lj = (LoadJob *)job;

    lj->told = true;
    lj->loaded(lj->error, &lj->config, owner);
}

static void destroy(Job *job)
{
    LoadJob *lj = (LoadJob *)job;

    if (!lj->told)
        lj->loaded(-ECANCELED, NULL, job->owner);
    config_clear(&lj->config);
    free(lj);
}

int config_load_later(Jobs *jobs, const ConfigPlaces *places, uint64_t ram, config_loaded_t loaded,
                      void *userdata)
{
    LoadJob *lj = calloc(1, sizeof(LoadJob));
    if (!lj)
        return -ENOMEM;

    lj->job = (Job){ .run = run, .done = done, .destroy = destroy, .owner = userdata };
    lj->places = *places;
    lj->ram = ram;
    lj->loaded = loaded;
    jobs_submit(jobs, &lj->job);
    return 0;
}
