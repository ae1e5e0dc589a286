namespace Containers;

/// <summary>Images of an engine.</summary>
public static class ImageEngineExtensions
{
    extension(ContainerEngine engine)
    {
        /// <summary>The images that containers of this engine are made of; opened at first use.</summary>
        /// <exception cref="ContainerException">The store's directory cannot be used.</exception>
        public ImageStore Images
        {
            get
            {
                ArgumentNullException.ThrowIfNull(engine);
                return engine.Extension(static engine => new ImageStore(engine.OptionsOf<ImageStoreOptions>() ?? new ImageStoreOptions(), engine.Logger, engine));
            }
        }
    }

    extension(ContainerEngineOptions options)
    {
        /// <summary>How the engine fetches and stores images.</summary>
        public ImageStoreOptions Images
        {
            get
            {
                ArgumentNullException.ThrowIfNull(options);
                if (!options.Extensions.TryGetValue(typeof(ImageStoreOptions), out var images))
                {
                    options.Extensions[typeof(ImageStoreOptions)] = images = new ImageStoreOptions();
                }

                return (ImageStoreOptions)images;
            }

            set
            {
                ArgumentNullException.ThrowIfNull(options);
                ArgumentNullException.ThrowIfNull(value);
                options.Extensions[typeof(ImageStoreOptions)] = value;
            }
        }
    }
}
