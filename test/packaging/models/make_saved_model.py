"""Made saved_model/ beside this file, once, with tensorflow-cpu 2.16.2: y = x·W over a batch of four numbers."""
import os
import shutil

import tensorflow as tf


class Linear(tf.Module):
    def __init__(self):
        self.weights = tf.Variable(tf.reshape(tf.range(12, dtype=tf.float32) / 10, [4, 3]))

    @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, name="x")])
    def serve(self, x):
        return {"y": tf.linalg.matmul(x, self.weights)}


folder = os.path.join(os.path.dirname(__file__), "saved_model")
shutil.rmtree(folder, ignore_errors=True)
model = Linear()
tf.saved_model.save(model, folder, signatures={"serving_default": model.serve})
os.remove(os.path.join(folder, "fingerprint.pb"))
