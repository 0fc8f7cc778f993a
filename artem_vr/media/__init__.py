"""Pictures and videos in files: reading, writing, recording. Nothing here knows of OpenGL or networks."""
