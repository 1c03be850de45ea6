/* Plays a corpus to a fuzz target under any compiler: every file of the folders (or the files) named on the command line. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t played;

static int play_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return -1;
    fseek(f, 0, SEEK_END);
    long size = ftell(f);
    rewind(f);
    uint8_t *data = malloc(size > 0 ? (size_t)size : 1);
    size_t got = data ? fread(data, 1, (size_t)size, f) : 0;
    fclose(f);
    if (data)
        LLVMFuzzerTestOneInput(data, got);
    free(data);
    played++;
    return 0;
}

static int play_folder(const char *path)
{
    DIR *dir = opendir(path);
    if (!dir)
        return -1;
    struct dirent *e;
    while ((e = readdir(dir))) {
        char file[4096];
        snprintf(file, sizeof file, "%s/%s", path, e->d_name);
        struct stat st;
        if (stat(file, &st) == 0 && S_ISREG(st.st_mode))
            play_file(file);
    }
    closedir(dir);
    return 0;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (play_folder(argv[i]) != 0 && play_file(argv[i]) != 0)
            fprintf(stderr, "%s: cannot be read\n", argv[i]);
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    printf("%zu inputs replayed\n", played);
    return played ? 0 : 1;
}
