using Containers;
using Spectre.Console;

namespace Containers.Samples;

/// <summary>Shows a bar for each layer while an image comes or goes.</summary>
internal static class Transfers
{
    public static Task ShowAsync(Func<IProgress<PullProgress>, Task> transfer) => AnsiConsole.Progress().StartAsync(context => transfer(new Bars(context)));

    private sealed class Bars(ProgressContext context) : IProgress<PullProgress>
    {
        private readonly Dictionary<string, ProgressTask> _tasks = [];

        public void Report(PullProgress value)
        {
            lock (_tasks)
            {
                if (!_tasks.TryGetValue(value.Layer, out var task))
                {
                    _tasks[value.Layer] = task = context.AddTask(value.Layer[7..19], maxValue: value.Size);
                }

                task.Description = $"{value.Layer[7..19]} {value.Stage}";
                task.Value = value.Stage is PullStage.Complete or PullStage.Exists ? value.Size : value.Bytes;
            }
        }
    }
}
